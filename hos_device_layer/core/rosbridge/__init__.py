"""The gateway's side of the rosbridge protocol v2: text in, events and text out."""

from .access import ANONYMOUS_DEVICE_ACCESS, LOCAL_ACCESS, Access, Role
from .advertised_service import Relay
from .broker import Broker
from .close_reasons import CloseReason
from .events import Confirmation, Request, ServiceCall, SessionEvent, Traceable
from .frames import FrameError
from .rate_limits import SessionLimits
from .session import Session
from .subscriptions import PublishedMessage

__all__ = [
    'ANONYMOUS_DEVICE_ACCESS',
    'LOCAL_ACCESS',
    'Access',
    'Broker',
    'CloseReason',
    'Confirmation',
    'FrameError',
    'PublishedMessage',
    'Relay',
    'Request',
    'Role',
    'ServiceCall',
    'Session',
    'SessionEvent',
    'SessionLimits',
    'Traceable',
]
