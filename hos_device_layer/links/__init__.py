"""How a command reaches a device and its news comes back."""

from .link import DeviceEvents, Link

__all__ = ['DeviceEvents', 'Link']
