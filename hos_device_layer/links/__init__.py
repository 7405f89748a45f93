"""The links to devices: ROS, and WebSocket through the gateway."""

from .link import Handle, Link

__all__ = ['Handle', 'Link']
