"""The connection of each device: its state, and what changes it."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping

from ..spec.records import Device
from ..timestamp import Moment
from .deadlines import Deadlines


class State(enum.Enum):
    """Where a device stands with the device manager."""

    EXPECTED = 'expected'  # in the fleet, not heard of yet
    WAITING = 'waiting'  # heard of, not in the fleet
    CONNECTED = 'connected'
    TIMED_OUT = 'timed out'
    DISCONNECTED = 'disconnected'
    FORGOTTEN = 'forgotten'  # no longer kept


class Event(enum.Enum):
    """What can happen to a connection."""

    CONNECT = 'connect'  # the device asked to connect
    PING = 'ping'  # the device gave a sign of life
    CLOSE = 'close'  # the way to the device is gone
    SILENCE = 'silence'  # nothing came for as long as the state allows
    ADD = 'add'  # the device came into the fleet
    REMOVE = 'remove'  # the device left the fleet


class Notice(enum.Enum):
    """What the rest of the system is told."""

    CONNECTED = 'connected'
    TIMEOUT = 'timeout'
    RECONNECTED = 'reconnected'
    DISCONNECTED = 'disconnected'


# What each event does in each state. An unlisted pair cannot happen.
TRANSITIONS: Mapping[tuple[State, Event], tuple[State, Notice | None]] = {
    (State.EXPECTED, Event.CONNECT): (State.CONNECTED, Notice.CONNECTED),
    # A device that was connected before the manager restarted goes on pinging.
    (State.EXPECTED, Event.PING): (State.CONNECTED, Notice.CONNECTED),
    (State.EXPECTED, Event.CLOSE): (State.EXPECTED, None),
    (State.EXPECTED, Event.REMOVE): (State.FORGOTTEN, None),
    (State.WAITING, Event.CONNECT): (State.WAITING, None),
    (State.WAITING, Event.PING): (State.WAITING, None),
    (State.WAITING, Event.CLOSE): (State.FORGOTTEN, None),
    (State.WAITING, Event.SILENCE): (State.FORGOTTEN, None),
    (State.WAITING, Event.ADD): (State.CONNECTED, Notice.CONNECTED),
    (State.CONNECTED, Event.CONNECT): (State.CONNECTED, Notice.RECONNECTED),
    (State.CONNECTED, Event.PING): (State.CONNECTED, None),
    (State.CONNECTED, Event.CLOSE): (State.TIMED_OUT, Notice.TIMEOUT),
    (State.CONNECTED, Event.SILENCE): (State.TIMED_OUT, Notice.TIMEOUT),
    (State.CONNECTED, Event.REMOVE): (State.FORGOTTEN, Notice.DISCONNECTED),
    (State.TIMED_OUT, Event.CONNECT): (State.CONNECTED, Notice.RECONNECTED),
    (State.TIMED_OUT, Event.PING): (State.CONNECTED, Notice.RECONNECTED),
    (State.TIMED_OUT, Event.CLOSE): (State.TIMED_OUT, None),
    (State.TIMED_OUT, Event.SILENCE): (State.DISCONNECTED, Notice.DISCONNECTED),
    (State.TIMED_OUT, Event.REMOVE): (State.FORGOTTEN, Notice.DISCONNECTED),
    (State.DISCONNECTED, Event.CONNECT): (State.CONNECTED, Notice.RECONNECTED),
    (State.DISCONNECTED, Event.PING): (State.CONNECTED, Notice.RECONNECTED),
    (State.DISCONNECTED, Event.CLOSE): (State.DISCONNECTED, None),
    (State.DISCONNECTED, Event.REMOVE): (State.FORGOTTEN, None),
}


class Connection:
    """One device's connection. `device` is None while it waits; `since` is its latest change."""

    __slots__ = ('device', 'last_seen', 'since', 'state', 'uid')

    def __init__(self, uid: int, device: Device | None, state: State, now: Moment) -> None:
        self.uid = uid
        self.device = device
        self.state = state
        self.since = now
        self.last_seen: Moment | None = None


class Connections:
    """All connections, by uid."""

    def __init__(self, timeout_s: float, disconnect_after_s: float) -> None:
        self._silence_s = {
            State.CONNECTED: timeout_s,
            State.WAITING: timeout_s,
            State.TIMED_OUT: disconnect_after_s,
        }
        self._connections: dict[int, Connection] = {}
        self._deadlines = Deadlines()

    def __iter__(self) -> Iterator[Connection]:
        return iter(self._connections.values())

    def __len__(self) -> int:
        return len(self._connections)

    def __getitem__(self, uid: int) -> Connection:
        return self._connections[uid]

    def get(self, uid: int) -> Connection | None:
        """Return the connection of a device, or None if it is neither expected nor waiting."""
        return self._connections.get(uid)

    def expect(self, uid: int, device: Device, now: Moment) -> None:
        """Begin with a device of the fleet that was not heard of yet."""
        self._connections[uid] = Connection(uid, device, State.EXPECTED, now)

    def wait(self, uid: int, now: Moment) -> Connection:
        """Begin with a device that was heard of but is not in the fleet."""
        connection = self._connections[uid] = Connection(uid, None, State.WAITING, now)
        return connection

    def handle(self, connection: Connection, event: Event, now: Moment) -> Notice | None:
        """Let an event happen to a connection; the only place that changes a state."""
        old = connection.state
        state, notice = TRANSITIONS[old, event]
        if event in (Event.CONNECT, Event.PING):
            connection.last_seen = now
        if state is not old or notice is not None:
            connection.state = state
            connection.since = now
        self._watch(connection, event, state is not old, now)
        return notice

    def next_deadline(self) -> float | None:
        """Return a time [s, steady] before which `take_silent` returns nothing."""
        return self._deadlines.next()

    def take_silent(self, now: Moment) -> list[Connection]:
        """Return the connections that have been silent for as long as their state allows."""
        return [self._connections[uid] for uid in self._deadlines.take_due(now.steady)]

    def _watch(self, connection: Connection, event: Event, changed: bool, now: Moment) -> None:
        uid = connection.uid
        if connection.state is State.FORGOTTEN:
            self._connections.pop(uid, None)
            self._deadlines.drop(uid)
            return
        silence_s = self._silence_s.get(connection.state)
        if silence_s is None:
            self._deadlines.drop(uid)
        elif changed or event in (Event.CONNECT, Event.PING):
            self._deadlines.set(uid, now.steady + silence_s)
