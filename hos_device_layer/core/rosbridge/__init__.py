"""The rosbridge protocol v2 as the gateway speaks it: text in, events and text out."""

from .access import ANONYMOUS_DEVICE_ACCESS, LOCAL_ACCESS, Access, Role
from .admission import Admission
from .events import Call, Event
from .frames import FrameError
from .limits import Limits
from .session import Close, Session
from .switchboard import Published, Switchboard

__all__ = [
    'ANONYMOUS_DEVICE_ACCESS',
    'LOCAL_ACCESS',
    'Access',
    'Admission',
    'Call',
    'Close',
    'Event',
    'FrameError',
    'Limits',
    'Published',
    'Role',
    'Session',
    'Switchboard',
]
