"""The connection of each device: its state, its link, and the events that change them."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ..spec.records import FleetDevice
from ..timestamp import Timestamp
from .connection_states import (
    TRANSITIONS,
    ConnectionEvent,
    ConnectionState,
    ConnectionTrigger,
)
from .deadlines import Deadlines
from .effects import (
    CloseDevice,
    ConnectAnswer,
    ConnectedDevice,
    Effect,
    LogDropped,
    OpenDevice,
    PublishConnectionEvent,
)
from .events import ConnectRequested, LinkClosed, Paused, Pinged
from .fleet_index import FleetIndex

_State, _Trigger = ConnectionState, ConnectionTrigger

# The triggers that prove that a device is running.
_SIGNS_OF_LIFE = (_Trigger.CONNECT, _Trigger.PING)


class DeviceConnection:
    """
    The connection of one device.

    `device` is None while it waits to be added to the fleet. `link` is the link that it belongs
    to, '' for none. `since` is the time of the latest change.
    """

    __slots__ = ('description', 'device', 'last_seen', 'link', 'since', 'state', 'uid')

    def __init__(
        self, uid: int, device: FleetDevice | None, state: ConnectionState, now: Timestamp
    ) -> None:
        self.uid = uid
        self.device = device
        self.state = state
        self.since = now
        self.link = ''
        self.description = ''
        self.last_seen: Timestamp | None = None


class EndTasks(msgspec.Struct, frozen=True):
    """Tells the dispatcher to end tasks of a device: all, or those it has not answered yet."""

    uid: int
    error: str
    only_unanswered: bool = False


ConnectionEffects = list[Effect | EndTasks]


class Connections:
    """
    All connections, by uid: those of the fleet, and at most `max_waiting` waiting ones.

    A device belongs to the link through which it connected, until it is disconnected, or has timed
    out and connects through another link. The event handlers return effects.
    """

    def __init__(
        self,
        fleet: FleetIndex,
        timeout_s: float,
        disconnect_after_s: float,
        max_waiting: int,
        now: Timestamp,
    ) -> None:
        self._fleet = fleet
        self._silence_s = {
            _State.CONNECTED: timeout_s,
            _State.WAITING: timeout_s,
            _State.TIMED_OUT: disconnect_after_s,
        }
        self._max_waiting = max_waiting
        # Times exclude the pauses of the device manager, during which no device could be heard.
        self._deadlines = Deadlines()
        self._paused_s = 0.0
        self._connections = {
            uid: DeviceConnection(uid, device, _State.EXPECTED, now)
            for uid, device in fleet.by_uid.items()
        }

    def __iter__(self) -> Iterator[DeviceConnection]:
        return iter(self._connections.values())

    def __len__(self) -> int:
        return len(self._connections)

    def get(self, uid: int) -> DeviceConnection | None:
        """Return the connection of a device, or None if it is neither expected nor waiting."""
        return self._connections.get(uid)

    def connected(self) -> list[DeviceConnection]:
        """Return the devices that are connected now."""
        return [c for c in self._connections.values() if c.state is _State.CONNECTED]

    def connected_devices(self) -> tuple[ConnectedDevice, ...]:
        """Return the devices that are connected now, as values."""
        return tuple(
            ConnectedDevice(connection.uid, connection.device, connection.since.epoch)
            for connection in self.connected()
            if connection.device is not None
        )

    def foreign_link(self, uid: int, link: str) -> str:
        """Return why an event of a device must be dropped; '' if it came through its own link."""
        connection = self._connections.get(uid)
        if connection is not None and connection.link == link:
            return ''
        if connection is None or not connection.link:
            return f'uid {uid} is not connected'
        return f'uid {uid} is connected through the link {connection.link!r}, not {link!r}'

    # Events

    def connect_requested(
        self, event: ConnectRequested, now: Timestamp, link: str
    ) -> ConnectionEffects:
        """Handle a request to connect; a device that is not in the fleet waits."""
        uid = event.uid
        connection = self._connections.get(uid) or self._begin_waiting(uid, now)
        if connection is not None and (error := self._why_taken(connection, link)):
            return [LogDropped(f'a request to connect: {error}'), ConnectAnswer(False, error)]
        if connection is not None:
            connection.description = event.description
        if connection is None or connection.state is _State.WAITING:
            if connection is not None:
                self._apply(connection, _Trigger.CONNECT, now, link)
            error = self._fleet.unknown_uid(uid, event.description)
            return [LogDropped(f'a request to connect: {error}'), ConnectAnswer(False, error)]
        return [*self._apply(connection, _Trigger.CONNECT, now, link), ConnectAnswer(True)]

    def pinged(self, event: Pinged, now: Timestamp, link: str) -> ConnectionEffects:
        """Handle a ping; only the first one of a device that is not in the fleet is logged."""
        uid = event.uid
        connection = self._connections.get(uid)
        if connection is None:
            connection = self._begin_waiting(uid, now)
            if connection is not None:
                self._apply(connection, _Trigger.PING, now, link)
            return [LogDropped(f'a ping: {self._fleet.unknown_uid(uid)}')]
        if connection.link not in ('', link) and connection.state is not _State.WAITING:
            return [
                LogDropped(f'a ping through the link {link!r}: {self.foreign_link(uid, link)}')
            ]
        return self._apply(connection, _Trigger.PING, now, link)

    def link_closed(self, event: LinkClosed, now: Timestamp, link: str) -> ConnectionEffects:
        """Handle that a link has lost a device; ignored if the device belongs to another link."""
        connection = self._connections.get(event.uid)
        if connection is None or connection.link != link:
            return []
        return self._apply(connection, _Trigger.CLOSE, now, link)

    # Time, and another fleet

    def next_deadline(self) -> float | None:
        """Return a time [s, steady] before which `advance` has nothing to do."""
        deadline = self._deadlines.next()
        return None if deadline is None else deadline + self._paused_s

    def paused(self, event: Paused, _now: Timestamp, _link: str = '') -> ConnectionEffects:
        """Handle that no device could be heard: nothing counts as silence meanwhile."""
        self._paused_s += event.duration_s
        return []

    def advance(self, until: float, now: Timestamp) -> ConnectionEffects:
        """Handle the devices that were silent for too long, until `until` [s, steady]."""
        effects: ConnectionEffects = []
        for uid in self._deadlines.take_due(until - self._paused_s):
            connection = self._connections[uid]
            effects += self._apply(connection, _Trigger.SILENCE, now, connection.link)
        return effects

    def replace_fleet(self, fleet: FleetIndex, now: Timestamp) -> ConnectionEffects:
        """
        Continue with another specification of the fleet.

        A device that was removed, or whose type changed, is disconnected; one that waits and was
        added is connected; one whose type has other streams or commands is opened again.
        """
        old, self._fleet = self._fleet, fleet
        effects: ConnectionEffects = []
        for uid, device in old.by_uid.items():
            new = fleet.by_uid.get(uid)
            if new is None or new.device_type != device.device_type:
                connection = self._connections[uid]
                effects += self._apply(connection, _Trigger.REMOVE, now, connection.link)
        for uid, device in fleet.by_uid.items():
            effects += self._update(uid, device, old, now)
        return effects

    def _update(
        self, uid: int, device: FleetDevice, old: FleetIndex, now: Timestamp
    ) -> ConnectionEffects:
        connection = self._connections.get(uid)
        if connection is None:
            self._connections[uid] = DeviceConnection(uid, device, _State.EXPECTED, now)
            return []
        connection.device = device
        if connection.state is _State.WAITING:
            return self._apply(connection, _Trigger.ADD, now, connection.link)
        needs, old_needs = self._fleet.needs_of(device), old.needs_of(device)
        effects: ConnectionEffects = []
        if needs[0] is not old_needs[0]:
            # The link gives up the service to which it has sent, or would send, their commands.
            effects.append(EndTasks(uid, _why_other_service(device), only_unanswered=True))
        if connection.state is _State.CONNECTED and needs != old_needs:
            effects.append(OpenDevice(connection.link, device, *needs))
        return effects

    # Parts

    def _why_taken(self, connection: DeviceConnection, link: str) -> str:
        """Return why a device cannot connect through a link; '' if it can."""
        if connection.state is not _State.CONNECTED or connection.link == link:
            return ''
        assert connection.device is not None
        return (
            f'{connection.device.device_id!r} (uid {connection.uid}) is connected through the '
            f'link {connection.link!r}; it can connect through {link!r} when that connection has '
            f'been closed, or silent for device_timeout_s '
            f'({self._silence_s[_State.CONNECTED]:g} s)'
        )

    def _begin_waiting(self, uid: int, now: Timestamp) -> DeviceConnection | None:
        if len(self._connections) - len(self._fleet.by_uid) >= self._max_waiting:
            return None
        connection = DeviceConnection(uid, None, _State.WAITING, now)
        self._connections[uid] = connection
        return connection

    def _apply(
        self, connection: DeviceConnection, trigger: ConnectionTrigger, now: Timestamp, link: str
    ) -> ConnectionEffects:
        """Apply a trigger to a connection; the only place that changes a state."""
        old, old_link = connection.state, connection.link
        state, event = TRANSITIONS[old, trigger]
        if trigger in _SIGNS_OF_LIFE:
            connection.last_seen = now
        if state is not old or event is not None:
            connection.state = state
            connection.since = now
        connection.link = '' if state is _State.DISCONNECTED else link
        self._update_deadline(connection, trigger, state is not old, now)
        if event is None:
            return []
        return self._effects(connection, trigger, event, old_link, now)

    def _effects(
        self,
        connection: DeviceConnection,
        trigger: ConnectionTrigger,
        event: ConnectionEvent,
        old_link: str,
        now: Timestamp,
    ) -> ConnectionEffects:
        uid, device = connection.uid, connection.device
        assert device is not None  # A waiting device causes no events.
        published = PublishConnectionEvent(event, uid, device, now.epoch)
        if event is ConnectionEvent.TIMEOUT:
            return [published]
        if event is ConnectionEvent.DISCONNECTED:
            error = _why_disconnected(device, trigger)
            return [CloseDevice(old_link, uid), published, EndTasks(uid, error)]
        effects: ConnectionEffects = []
        if old_link not in ('', connection.link):
            effects.append(CloseDevice(old_link, uid))
        opened = OpenDevice(connection.link, device, *self._fleet.needs_of(device))
        return [*effects, opened, published]

    def _update_deadline(
        self,
        connection: DeviceConnection,
        trigger: ConnectionTrigger,
        changed: bool,
        now: Timestamp,
    ) -> None:
        uid = connection.uid
        if connection.state is _State.FORGOTTEN:
            self._connections.pop(uid, None)
            self._deadlines.drop(uid)
            return
        silence_s = self._silence_s.get(connection.state)
        if silence_s is None:
            self._deadlines.drop(uid)
        elif changed or trigger in _SIGNS_OF_LIFE:
            self._deadlines.set(uid, now.steady - self._paused_s + silence_s)


def _why_other_service(device: FleetDevice) -> str:
    return (
        f'serialized_api of the device type {device.device_type!r} was changed before '
        f'{device.device_id!r} accepted the command'
    )


def _why_disconnected(device: FleetDevice, trigger: ConnectionTrigger) -> str:
    reason = 'it was silent for too long'
    if trigger is _Trigger.REMOVE:
        reason = 'its row in the fleet was changed or removed'
    return f'{device.device_id!r} was disconnected: {reason}'
