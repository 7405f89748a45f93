"""
Make any program a device: add devices, connect, receive commands, respond, send events.

Needs no ROS. See docs/python_device.md.
"""

from .client import Client
from .device import Device, hash_of
from .errors import (
    ClientError,
    ConfigurationError,
    DeviceError,
    TaskError,
    UnknownDeviceError,
)
from .log import make_log_handler
from .message import Message, Task
from .pools import DeviceManagerInterface, DevicePool, DeviceStore
from .settings import Settings, load_settings

__all__ = [
    'Client',
    'ClientError',
    'ConfigurationError',
    'Device',
    'DeviceError',
    'DeviceManagerInterface',
    'DevicePool',
    'DeviceStore',
    'Message',
    'Settings',
    'Task',
    'TaskError',
    'UnknownDeviceError',
    'hash_of',
    'load_settings',
    'make_log_handler',
]
