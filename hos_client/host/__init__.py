"""
Connect local devices: an Interface discovers them, a Driver handles each of them.

Needs no ROS. See docs/drivers.md.
"""

from .detected import DetectedDevice, Info
from .driver import Action, Driver
from .errors import ActionError, DeviceUnavailableError, HandlerError, HostError
from .event_manager import EventManager, event_manager
from .host import Host
from .interface import Interface
from .lines import LineSplitter
from .serial_port import SerialPort

__all__ = [
    'Action',
    'ActionError',
    'DetectedDevice',
    'DeviceUnavailableError',
    'Driver',
    'EventManager',
    'HandlerError',
    'Host',
    'HostError',
    'Info',
    'Interface',
    'LineSplitter',
    'SerialPort',
    'event_manager',
]
