"""The connection of each device: its state, and what changes it."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping

from ..spec.records import FleetDevice
from ..timestamp import Timestamp
from .deadlines import Deadlines


class ConnectionState(enum.Enum):
    """Where a device stands with the device manager."""

    EXPECTED = 'expected'  # in the fleet, not heard of yet
    WAITING = 'waiting'  # heard of, not in the fleet
    CONNECTED = 'connected'
    TIMED_OUT = 'timed out'
    DISCONNECTED = 'disconnected'
    FORGOTTEN = 'forgotten'  # no longer kept


class ConnectionTrigger(enum.Enum):
    """What can happen to a connection."""

    CONNECT = 'connect'  # the device asked to connect
    PING = 'ping'  # the device gave a sign of life
    CLOSE = 'close'  # the way to the device is gone
    SILENCE = 'silence'  # nothing came for as long as the state allows
    ADD = 'add'  # the device came into the fleet
    REMOVE = 'remove'  # the device left the fleet


class ConnectionEvent(enum.Enum):
    """What the rest of the system is told."""

    CONNECTED = 'connected'
    TIMEOUT = 'timeout'
    RECONNECTED = 'reconnected'
    DISCONNECTED = 'disconnected'


# What each event does in each state. An unlisted pair cannot happen.
TRANSITIONS: Mapping[
    tuple[ConnectionState, ConnectionTrigger], tuple[ConnectionState, ConnectionEvent | None]
] = {
    (ConnectionState.EXPECTED, ConnectionTrigger.CONNECT): (
        ConnectionState.CONNECTED,
        ConnectionEvent.CONNECTED,
    ),
    # A device that was connected before the manager restarted goes on pinging.
    (ConnectionState.EXPECTED, ConnectionTrigger.PING): (
        ConnectionState.CONNECTED,
        ConnectionEvent.CONNECTED,
    ),
    (ConnectionState.EXPECTED, ConnectionTrigger.CLOSE): (ConnectionState.EXPECTED, None),
    (ConnectionState.EXPECTED, ConnectionTrigger.REMOVE): (ConnectionState.FORGOTTEN, None),
    (ConnectionState.WAITING, ConnectionTrigger.CONNECT): (ConnectionState.WAITING, None),
    (ConnectionState.WAITING, ConnectionTrigger.PING): (ConnectionState.WAITING, None),
    (ConnectionState.WAITING, ConnectionTrigger.CLOSE): (ConnectionState.FORGOTTEN, None),
    (ConnectionState.WAITING, ConnectionTrigger.SILENCE): (ConnectionState.FORGOTTEN, None),
    (ConnectionState.WAITING, ConnectionTrigger.ADD): (
        ConnectionState.CONNECTED,
        ConnectionEvent.CONNECTED,
    ),
    (ConnectionState.CONNECTED, ConnectionTrigger.CONNECT): (
        ConnectionState.CONNECTED,
        ConnectionEvent.RECONNECTED,
    ),
    (ConnectionState.CONNECTED, ConnectionTrigger.PING): (ConnectionState.CONNECTED, None),
    (ConnectionState.CONNECTED, ConnectionTrigger.CLOSE): (
        ConnectionState.TIMED_OUT,
        ConnectionEvent.TIMEOUT,
    ),
    (ConnectionState.CONNECTED, ConnectionTrigger.SILENCE): (
        ConnectionState.TIMED_OUT,
        ConnectionEvent.TIMEOUT,
    ),
    (ConnectionState.CONNECTED, ConnectionTrigger.REMOVE): (
        ConnectionState.FORGOTTEN,
        ConnectionEvent.DISCONNECTED,
    ),
    (ConnectionState.TIMED_OUT, ConnectionTrigger.CONNECT): (
        ConnectionState.CONNECTED,
        ConnectionEvent.RECONNECTED,
    ),
    (ConnectionState.TIMED_OUT, ConnectionTrigger.PING): (
        ConnectionState.CONNECTED,
        ConnectionEvent.RECONNECTED,
    ),
    (ConnectionState.TIMED_OUT, ConnectionTrigger.CLOSE): (ConnectionState.TIMED_OUT, None),
    (ConnectionState.TIMED_OUT, ConnectionTrigger.SILENCE): (
        ConnectionState.DISCONNECTED,
        ConnectionEvent.DISCONNECTED,
    ),
    (ConnectionState.TIMED_OUT, ConnectionTrigger.REMOVE): (
        ConnectionState.FORGOTTEN,
        ConnectionEvent.DISCONNECTED,
    ),
    (ConnectionState.DISCONNECTED, ConnectionTrigger.CONNECT): (
        ConnectionState.CONNECTED,
        ConnectionEvent.RECONNECTED,
    ),
    (ConnectionState.DISCONNECTED, ConnectionTrigger.PING): (
        ConnectionState.CONNECTED,
        ConnectionEvent.RECONNECTED,
    ),
    (ConnectionState.DISCONNECTED, ConnectionTrigger.CLOSE): (ConnectionState.DISCONNECTED, None),
    (ConnectionState.DISCONNECTED, ConnectionTrigger.REMOVE): (ConnectionState.FORGOTTEN, None),
}


class DeviceConnection:
    """One device's connection. `device` is None while it waits; `since` is its latest change."""

    __slots__ = ('device', 'last_seen', 'since', 'state', 'uid')

    def __init__(
        self, uid: int, device: FleetDevice | None, state: ConnectionState, now: Timestamp
    ) -> None:
        self.uid = uid
        self.device = device
        self.state = state
        self.since = now
        self.last_seen: Timestamp | None = None


class Connections:
    """All connections, by uid."""

    def __init__(self, timeout_s: float, disconnect_after_s: float) -> None:
        self._silence_s = {
            ConnectionState.CONNECTED: timeout_s,
            ConnectionState.WAITING: timeout_s,
            ConnectionState.TIMED_OUT: disconnect_after_s,
        }
        self._connections: dict[int, DeviceConnection] = {}
        self._deadlines = Deadlines()

    def __iter__(self) -> Iterator[DeviceConnection]:
        return iter(self._connections.values())

    def __len__(self) -> int:
        return len(self._connections)

    def __getitem__(self, uid: int) -> DeviceConnection:
        return self._connections[uid]

    def get(self, uid: int) -> DeviceConnection | None:
        """Return the connection of a device, or None if it is neither expected nor waiting."""
        return self._connections.get(uid)

    def expect(self, uid: int, device: FleetDevice, now: Timestamp) -> None:
        """Begin with a device of the fleet that was not heard of yet."""
        self._connections[uid] = DeviceConnection(uid, device, ConnectionState.EXPECTED, now)

    def wait(self, uid: int, now: Timestamp) -> DeviceConnection:
        """Begin with a device that was heard of but is not in the fleet."""
        connection = self._connections[uid] = DeviceConnection(
            uid, None, ConnectionState.WAITING, now
        )
        return connection

    def handle(
        self, connection: DeviceConnection, event: ConnectionTrigger, now: Timestamp
    ) -> ConnectionEvent | None:
        """Let an event happen to a connection; the only place that changes a state."""
        old = connection.state
        state, notice = TRANSITIONS[old, event]
        if event in (ConnectionTrigger.CONNECT, ConnectionTrigger.PING):
            connection.last_seen = now
        if state is not old or notice is not None:
            connection.state = state
            connection.since = now
        self._watch(connection, event, state is not old, now)
        return notice

    def next_deadline(self) -> float | None:
        """Return a time [s, steady] before which `take_silent` returns nothing."""
        return self._deadlines.next()

    def take_silent(self, now: Timestamp) -> list[DeviceConnection]:
        """Return the connections that have been silent for as long as their state allows."""
        return [self._connections[uid] for uid in self._deadlines.take_due(now.steady)]

    def _watch(
        self, connection: DeviceConnection, event: ConnectionTrigger, changed: bool, now: Timestamp
    ) -> None:
        uid = connection.uid
        if connection.state is ConnectionState.FORGOTTEN:
            self._connections.pop(uid, None)
            self._deadlines.drop(uid)
            return
        silence_s = self._silence_s.get(connection.state)
        if silence_s is None:
            self._deadlines.drop(uid)
        elif changed or event in (ConnectionTrigger.CONNECT, ConnectionTrigger.PING):
            self._deadlines.set(uid, now.steady + silence_s)
