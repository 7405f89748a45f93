"""
Make any program a device: add devices, connect, receive commands, respond, send events.

Needs no ROS. See docs/python_device.md.
"""

from hos_device_layer.exit_signals import exit_on_signals, is_program

if is_program('hos_client'):
    # Before the other imports, which take up to a second.
    exit_on_signals()

from .client import Client
from .device import Device, hash_of
from .errors import (
    AuthenticationError,
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
    'AuthenticationError',
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
