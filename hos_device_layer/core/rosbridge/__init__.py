"""The rosbridge protocol v2 as the gateway speaks it: text in, events and text out."""

from .access import ANONYMOUS_DEVICE_ACCESS, LOCAL_ACCESS, Access, Role
from .authentication_backoff import AuthenticationBackoff
from .broker import Broker, Published
from .events import ServiceCall, SessionEvent
from .frames import FrameError
from .rate_limits import SessionLimits
from .session import CloseReason, Session

__all__ = [
    'ANONYMOUS_DEVICE_ACCESS',
    'LOCAL_ACCESS',
    'Access',
    'AuthenticationBackoff',
    'Broker',
    'CloseReason',
    'FrameError',
    'Published',
    'Role',
    'ServiceCall',
    'Session',
    'SessionEvent',
    'SessionLimits',
]
