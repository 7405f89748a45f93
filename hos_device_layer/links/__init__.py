"""How devices are reached: over ROS, and over WebSocket through the gateway."""

from .link import Handle, Link

__all__ = ['Handle', 'Link']
