"""The rosbridge protocol v2 as the gateway speaks it: text in, events and text out."""

from .access import ANONYMOUS_DEVICE_ACCESS, LOCAL_ACCESS, Access, Role
from .authentication_backoff import Admission
from .broker import Published, Switchboard
from .events import Call, Event
from .frames import FrameError
from .rate_limits import Limits
from .session import Close, Session

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
