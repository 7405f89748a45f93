"""The states of a connection and the transitions between them."""

from __future__ import annotations

import enum
from collections.abc import Mapping


class ConnectionState(enum.Enum):
    """The state of a device's connection."""

    EXPECTED = 'expected'  # in the fleet, nothing received from it yet
    WAITING = 'waiting'  # not in the fleet, but it has connected or pinged
    CONNECTED = 'connected'
    TIMED_OUT = 'timed out'
    DISCONNECTED = 'disconnected'
    FORGOTTEN = 'forgotten'  # no longer kept


class ConnectionTrigger(enum.Enum):
    """What can change the state of a connection."""

    CONNECT = 'connect'  # the device asked to connect
    PING = 'ping'  # the device sent a ping
    CLOSE = 'close'  # its link reported that it cannot be reached any more
    SILENCE = 'silence'  # no connect or ping for as long as the state allows
    ADD = 'add'  # the device was added to the fleet
    REMOVE = 'remove'  # the device was removed from the fleet


class ConnectionEvent(enum.Enum):
    """What is published about a connection."""

    CONNECTED = 'connected'
    TIMEOUT = 'timeout'
    RECONNECTED = 'reconnected'
    DISCONNECTED = 'disconnected'


_S, _T, _E = ConnectionState, ConnectionTrigger, ConnectionEvent

# The next state, and the event to publish, for each state and trigger. Other pairs are errors.
TRANSITIONS: Mapping[
    tuple[ConnectionState, ConnectionTrigger], tuple[ConnectionState, ConnectionEvent | None]
] = {
    (_S.EXPECTED, _T.CONNECT): (_S.CONNECTED, _E.CONNECTED),
    # A device that was connected before the manager restarted keeps pinging.
    (_S.EXPECTED, _T.PING): (_S.CONNECTED, _E.CONNECTED),
    (_S.EXPECTED, _T.REMOVE): (_S.FORGOTTEN, None),
    (_S.WAITING, _T.CONNECT): (_S.WAITING, None),
    (_S.WAITING, _T.PING): (_S.WAITING, None),
    (_S.WAITING, _T.CLOSE): (_S.FORGOTTEN, None),
    (_S.WAITING, _T.SILENCE): (_S.FORGOTTEN, None),
    (_S.WAITING, _T.ADD): (_S.CONNECTED, _E.CONNECTED),
    (_S.CONNECTED, _T.CONNECT): (_S.CONNECTED, _E.RECONNECTED),
    (_S.CONNECTED, _T.PING): (_S.CONNECTED, None),
    (_S.CONNECTED, _T.CLOSE): (_S.TIMED_OUT, _E.TIMEOUT),
    (_S.CONNECTED, _T.SILENCE): (_S.TIMED_OUT, _E.TIMEOUT),
    (_S.CONNECTED, _T.REMOVE): (_S.FORGOTTEN, _E.DISCONNECTED),
    (_S.TIMED_OUT, _T.CONNECT): (_S.CONNECTED, _E.RECONNECTED),
    (_S.TIMED_OUT, _T.PING): (_S.CONNECTED, _E.RECONNECTED),
    (_S.TIMED_OUT, _T.CLOSE): (_S.TIMED_OUT, None),
    (_S.TIMED_OUT, _T.SILENCE): (_S.DISCONNECTED, _E.DISCONNECTED),
    (_S.TIMED_OUT, _T.REMOVE): (_S.FORGOTTEN, _E.DISCONNECTED),
    (_S.DISCONNECTED, _T.CONNECT): (_S.CONNECTED, _E.RECONNECTED),
    (_S.DISCONNECTED, _T.PING): (_S.CONNECTED, _E.RECONNECTED),
    (_S.DISCONNECTED, _T.REMOVE): (_S.FORGOTTEN, None),
}
