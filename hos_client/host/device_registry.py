"""The discovered devices and their states: a pure core that turns events into effects."""

from __future__ import annotations

import enum
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hos_device_layer.core.spec.fleet import Fleet

from .detected import DetectedDevice, Info, describe
from .driver import Driver
from .driver_selection import candidates_for
from .interface import compare
from .matching import FleetRows, Match, match, uid_of

# Wait before an unavailable device is tried again; doubles up to the longest [s].
FIRST_RETRY_S = 0.125
LONGEST_RETRY_S = 5.0


class DeviceState(enum.Enum):
    """The state of a discovered device."""

    NEW = 'new'
    STARTING = 'starting'
    READY = 'ready'
    WAITING = 'waiting'  # not identified: it matches no row of the fleet
    UNSUPPORTED = 'unsupported'
    UNAVAILABLE = 'unavailable'  # cannot be used now, will be tried again
    STOPPING = 'stopping'
    GONE = 'gone'


class Start(NamedTuple):
    """Create a driver: the first of `candidates` that supports the device."""

    attempt: int
    device: DetectedDevice
    candidates: Sequence[type[Driver]]


class Stop(NamedTuple):
    """Close a driver; its actions fail with the reason."""

    attempt: int
    reason: str


class Assign(NamedTuple):
    """Tell a running driver which device of the fleet it handles."""

    attempt: int
    device: DetectedDevice


class Register(NamedTuple):
    """Connect a device to the platform, so that it receives actions."""

    attempt: int
    device: DetectedDevice


class Unregister(NamedTuple):
    """Disconnect a device from the platform."""

    attempt: int
    device: DetectedDevice


class Report(NamedTuple):
    """The new state of a device, for users."""

    connection_type: str
    identifier: str
    device_id: str
    state: DeviceState
    reason: str
    driver: str


HostEffect = Start | Stop | Assign | Register | Unregister | Report

_Key = tuple[str, str]


@dataclass
class _Entry:
    device: DetectedDevice
    state: DeviceState = DeviceState.NEW
    reason: str = ''
    unmatched: str = ''  # why it has no row
    reported_uid: int | None = None
    attempt: int | None = None  # the running one
    driver: type[Driver] | None = None
    candidates: Sequence[type[Driver]] = ()
    registered: DetectedDevice | None = None
    is_present: bool = True
    failures: int = 0
    retry_at: float | None = None

    @property
    def report(self) -> Report:
        """The state of the device, for users."""
        row = self.device.row
        return Report(
            self.device.connection_type,
            self.device.identifier,
            row.device_id if row else '',
            self.state,
            self.reason,
            self.driver.__name__ if self.driver else '',
        )


class DeviceRegistry:
    """
    The discovered devices of a host. `now` is a monotonic time [s].

    Each attempt to handle a device has a number; events of an attempt that has ended are ignored.
    After `Stop` an attempt lasts until `ended`; only then the next one starts.
    """

    def __init__(self, drivers: Iterable[type[Driver]] = (), fleet: Fleet | None = None) -> None:
        self._drivers = tuple(drivers)
        self._rows = FleetRows(fleet or Fleet())
        self._entries: dict[_Key, _Entry] = {}
        self._seen: dict[str, Mapping[str, Info]] = {}
        self._attempts = itertools.count(1)
        self._effects: list[HostEffect] = []

    # Queries

    def reports(self) -> list[Report]:
        """Return the state of every device."""
        return [entry.report for entry in self._entries.values()]

    def next_deadline(self) -> float | None:
        """Return the time of the next retry, None if there is none."""
        times = [e.retry_at for e in self._entries.values() if e.state is DeviceState.UNAVAILABLE]
        return min((time for time in times if time is not None), default=None)

    # Events

    def found(
        self, interface: str, connection_type: str, devices: Mapping[str, Info]
    ) -> list[HostEffect]:
        """Process the devices of an interface; interfaces may share a connection type."""
        changes = compare(self._seen.get(interface, {}), devices)
        self._seen[interface] = dict(devices)
        for identifier in changes.disappeared:
            entry = self._entries[interface, identifier]
            entry.is_present = False
            self._stop(entry, 'the device was unplugged')
        for identifier in changes.appeared:
            key = interface, identifier
            device = DetectedDevice(identifier, connection_type, devices[identifier])
            entry = self._entries.setdefault(key, _Entry(device))
            entry.device = device
            entry.is_present = True
            entry.failures, entry.retry_at = 0, None
            entry.reported_uid = uid_of(device.info)
            if entry.attempt is None:
                self._set(entry, DeviceState.NEW)
        return self._settle()

    def created(self, attempt: int, driver: type[Driver]) -> list[HostEffect]:
        """Record that a driver has been created."""
        entry = self._entry(attempt)
        if entry is not None and entry.state is DeviceState.STARTING:
            entry.driver = driver
            self._set_running(entry)
        return self._settle()

    def unsupported(self, attempt: int, reason: str) -> list[HostEffect]:
        """Record that no driver supports a device; the attempt has ended."""
        entry = self._finished(attempt)
        if entry is not None:
            if entry.device.row is None:
                self._set(entry, DeviceState.WAITING, _joined(entry.unmatched, reason))
            else:
                self._set(entry, DeviceState.UNSUPPORTED, _joined('no driver supports it', reason))
        return self._settle()

    def unavailable(self, attempt: int, reason: str, now: float) -> list[HostEffect]:
        """Record that a device cannot be used now; the attempt has ended."""
        entry = self._finished(attempt)
        if entry is not None:
            self._retry_later(entry, now)
            self._set(entry, DeviceState.UNAVAILABLE, reason)
        return self._settle()

    def lost(self, attempt: int, reason: str, now: float) -> list[HostEffect]:
        """Record that a driver has lost its device."""
        entry = self._entry(attempt)
        if entry is not None and entry.state is not DeviceState.STOPPING:
            self._retry_later(entry, now)
            self._stop(entry, reason)
        return self._settle()

    def identified(self, attempt: int, uid: int) -> list[HostEffect]:
        """Record the uid that a device reports for itself."""
        entry = self._entry(attempt)
        if entry is not None:
            entry.reported_uid = uid
        return self._settle()

    def ended(self, attempt: int) -> list[HostEffect]:
        """Record that a stopped attempt has ended."""
        self._finished(attempt)
        return self._settle()

    def set_fleet(self, fleet: Fleet) -> list[HostEffect]:
        """Replace the fleet; devices whose rows have not changed are not affected."""
        self._rows = FleetRows(fleet)
        return self._settle()

    def set_drivers(self, drivers: Iterable[type[Driver]]) -> list[HostEffect]:
        """Replace the drivers; restart devices for which another driver could be chosen."""
        self._drivers = tuple(drivers)
        for entry in self._entries.values():
            now_candidates = candidates_for(self._drivers, entry.device.connection_type)
            if entry.driver is None:
                is_affected = list(entry.candidates) != now_candidates
            else:
                is_affected = _up_to(entry.driver, entry.candidates) != _up_to(
                    entry.driver, now_candidates
                )
            if not is_affected:
                entry.candidates = now_candidates
            elif entry.attempt is not None:
                self._stop(entry, 'the drivers have changed')
            elif entry.state in (DeviceState.UNSUPPORTED, DeviceState.WAITING):
                self._set(entry, DeviceState.NEW)
        return self._settle()

    def advance(self, now: float) -> list[HostEffect]:
        """Retry the devices that are due."""
        deadline = self.next_deadline()
        if deadline is None or deadline > now:
            return []
        for entry in self._entries.values():
            if entry.state is DeviceState.UNAVAILABLE and (entry.retry_at or now) <= now:
                entry.retry_at = None
                self._set(entry, DeviceState.NEW, entry.reason)
        return self._settle()

    def close(self, reason: str) -> list[HostEffect]:
        """Stop every device for good."""
        for entry in self._entries.values():
            entry.is_present = False
            self._stop(entry, reason)
        return self._settle()

    # Transitions

    def _settle(self) -> list[HostEffect]:
        """Update all devices after an event, and return the effects."""
        self._match_all()
        for key, entry in list(self._entries.items()):
            if entry.state is DeviceState.GONE:
                del self._entries[key]
            elif entry.state is DeviceState.NEW:
                self._start(entry)
        effects, self._effects = self._effects, []
        return effects

    def _match_all(self) -> None:
        assigned: dict[str, str] = {}
        present = [entry for entry in self._entries.values() if entry.is_present]
        # Devices that have a row keep it, so they are matched first.
        for entry in sorted(present, key=lambda entry: entry.device.row is None):
            old = entry.device
            found = match(old.info, entry.reported_uid, self._rows, assigned)
            if found.row is not None:
                assigned[found.row.device_id] = old.identifier
            device = describe(
                old.identifier, old.connection_type, old.info, found.row, self._rows.fleet
            )
            if device != old:
                self._apply_match(entry, device, found)
            elif entry.unmatched != found.reason:
                entry.unmatched = found.reason
                if entry.state is DeviceState.WAITING:
                    self._set(entry, DeviceState.WAITING, found.reason)

    def _apply_match(self, entry: _Entry, device: DetectedDevice, found: Match) -> None:
        entry.unmatched = found.reason
        if entry.state in (DeviceState.READY, DeviceState.WAITING) and entry.attempt is not None:
            if entry.reported_uid is None:
                self._stop(entry, 'its row in the fleet has changed')
                entry.device = device
                return
            # The device has identified itself to its driver, so it need not be reopened.
            entry.device = device
            self._effects.append(Assign(entry.attempt, device))
            self._set_running(entry)
            return
        entry.device = device
        if entry.state is DeviceState.STARTING:
            self._stop(entry, 'its row in the fleet has changed')
        elif entry.state in (DeviceState.UNSUPPORTED, DeviceState.WAITING):
            self._set(entry, DeviceState.NEW)

    def _start(self, entry: _Entry) -> None:
        entry.attempt = next(self._attempts)
        entry.driver = None
        entry.candidates = candidates_for(self._drivers, entry.device.connection_type)
        self._set(entry, DeviceState.STARTING, entry.reason)
        self._effects.append(Start(entry.attempt, entry.device, entry.candidates))

    def _stop(self, entry: _Entry, reason: str) -> None:
        if entry.attempt is None:
            self._set(entry, DeviceState.NEW if entry.is_present else DeviceState.GONE, reason)
        elif entry.state is not DeviceState.STOPPING:
            self._effects.append(Stop(entry.attempt, reason))
            self._set(entry, DeviceState.STOPPING, reason)

    def _set_running(self, entry: _Entry) -> None:
        if entry.device.row is None:
            self._set(entry, DeviceState.WAITING, entry.unmatched)
        else:
            entry.failures = 0
            self._set(entry, DeviceState.READY)

    def _set(self, entry: _Entry, state: DeviceState, reason: str = '') -> None:
        registered = entry.registered
        if registered is not None and (
            state is not DeviceState.READY or registered != entry.device
        ):
            assert entry.attempt is not None
            self._effects.append(Unregister(entry.attempt, registered))
            entry.registered = None
        if state is DeviceState.READY and entry.registered is None:
            assert entry.attempt is not None
            self._effects.append(Register(entry.attempt, entry.device))
            entry.registered = entry.device
        if (entry.state, entry.reason) != (state, reason):
            entry.state, entry.reason = state, reason
            self._effects.append(entry.report)

    def _retry_later(self, entry: _Entry, now: float) -> None:
        entry.retry_at = now + min(FIRST_RETRY_S * 2.0**entry.failures, LONGEST_RETRY_S)
        entry.failures = min(entry.failures + 1, 10)

    def _entry(self, attempt: int) -> _Entry | None:
        return next((e for e in self._entries.values() if e.attempt == attempt), None)

    def _finished(self, attempt: int) -> _Entry | None:
        entry = self._entry(attempt)
        if entry is not None:
            entry.attempt = None
            entry.driver = None
            if entry.state is not DeviceState.STOPPING:
                return entry
            # It was being stopped, so its last outcome does not matter.
            next_state = DeviceState.NEW if entry.retry_at is None else DeviceState.UNAVAILABLE
            self._set(entry, next_state if entry.is_present else DeviceState.GONE, entry.reason)
        return None


def _up_to(driver: type[Driver], candidates: Sequence[type[Driver]]) -> list[type[Driver]] | None:
    """Return the candidates up to the chosen driver, None if it is not one of them."""
    return list(candidates[: candidates.index(driver) + 1]) if driver in candidates else None


def _joined(*parts: str) -> str:
    return '; '.join(part for part in parts if part)
