"""What there is and how far it has got: a pure core, told what happens, answering what to do."""

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

# A device that cannot be used is tried again after so long, doubling up to the longest [s].
FIRST_RETRY_S = 0.125
LONGEST_RETRY_S = 5.0


class DeviceState(enum.Enum):
    """How far a detected device has got."""

    NEW = 'new'
    STARTING = 'starting'
    READY = 'ready'
    WAITING = 'waiting'  # not known which device of the fleet it is
    UNSUPPORTED = 'unsupported'
    UNAVAILABLE = 'unavailable'  # cannot be used now, is tried again
    STOPPING = 'stopping'
    GONE = 'gone'


class Start(NamedTuple):
    """Make a driver, the first of `candidates` that supports the device."""

    attempt: int
    device: DetectedDevice
    candidates: Sequence[type[Driver]]


class Stop(NamedTuple):
    """End a driver; its actions fail with the reason."""

    attempt: int
    reason: str


class Assign(NamedTuple):
    """Let a running driver know which device of the fleet it has."""

    attempt: int
    device: DetectedDevice


class Register(NamedTuple):
    """Connect a device to the platform: from now on it gets actions."""

    attempt: int
    device: DetectedDevice


class Unregister(NamedTuple):
    """Take a device back from the platform."""

    attempt: int
    device: DetectedDevice


class Report(NamedTuple):
    """A device has got somewhere; for a person to read."""

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
    attempt: int | None = None  # the one that runs
    driver: type[Driver] | None = None
    candidates: Sequence[type[Driver]] = ()
    registered: DetectedDevice | None = None
    is_present: bool = True
    failures: int = 0
    retry_at: float | None = None

    @property
    def report(self) -> Report:
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
    The detected devices of a host. `now` is a monotonic time [s].

    Each attempt to handle a device has a number; what is told about an attempt that has ended is
    ignored. After `Stop` an attempt goes on until `ended`; the next begins only then.
    """

    def __init__(self, drivers: Iterable[type[Driver]] = (), fleet: Fleet | None = None) -> None:
        self._drivers = tuple(drivers)
        self._rows = FleetRows(fleet or Fleet())
        self._entries: dict[_Key, _Entry] = {}
        self._seen: dict[str, Mapping[str, Info]] = {}
        self._attempts = itertools.count(1)
        self._effects: list[HostEffect] = []

    # What can be asked

    def reports(self) -> list[Report]:
        """Return where every device is now."""
        return [entry.report for entry in self._entries.values()]

    def next_deadline(self) -> float | None:
        """Return when `advance` has something to do."""
        times = [e.retry_at for e in self._entries.values() if e.state is DeviceState.UNAVAILABLE]
        return min((time for time in times if time is not None), default=None)

    # What can happen

    def found(
        self, interface: str, connection_type: str, devices: Mapping[str, Info]
    ) -> list[HostEffect]:
        """Take what an interface sees now; several may have one connection type."""
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
        """Take note that a driver runs."""
        entry = self._entry(attempt)
        if entry is not None and entry.state is DeviceState.STARTING:
            entry.driver = driver
            self._set_running(entry)
        return self._settle()

    def unsupported(self, attempt: int, reason: str) -> list[HostEffect]:
        """Take note that no driver has taken a device; the attempt has ended."""
        entry = self._finished(attempt)
        if entry is not None:
            if entry.device.row is None:
                self._set(entry, DeviceState.WAITING, _joined(entry.unmatched, reason))
            else:
                self._set(entry, DeviceState.UNSUPPORTED, _joined('no driver supports it', reason))
        return self._settle()

    def unavailable(self, attempt: int, reason: str, now: float) -> list[HostEffect]:
        """Take note that a device cannot be used at present; the attempt has ended."""
        entry = self._finished(attempt)
        if entry is not None:
            self._retry_later(entry, now)
            self._set(entry, DeviceState.UNAVAILABLE, reason)
        return self._settle()

    def lost(self, attempt: int, reason: str, now: float) -> list[HostEffect]:
        """Take note that a driver has lost its device."""
        entry = self._entry(attempt)
        if entry is not None and entry.state is not DeviceState.STOPPING:
            self._retry_later(entry, now)
            self._stop(entry, reason)
        return self._settle()

    def identified(self, attempt: int, uid: int) -> list[HostEffect]:
        """Take the uid that a device tells about itself."""
        entry = self._entry(attempt)
        if entry is not None:
            entry.reported_uid = uid
        return self._settle()

    def ended(self, attempt: int) -> list[HostEffect]:
        """Take note that an attempt that was stopped has ended."""
        self._finished(attempt)
        return self._settle()

    def set_fleet(self, fleet: Fleet) -> list[HostEffect]:
        """Take another description of the fleet; devices it does not concern go on."""
        self._rows = FleetRows(fleet)
        return self._settle()

    def set_drivers(self, drivers: Iterable[type[Driver]]) -> list[HostEffect]:
        """Take other drivers; a device is asked about again if the choice could be another."""
        self._drivers = tuple(drivers)
        for entry in self._entries.values():
            now_candidates = candidates_for(self._drivers, entry.device.connection_type)
            if entry.driver is None:
                is_concerned = list(entry.candidates) != now_candidates
            else:
                is_concerned = _up_to(entry.driver, entry.candidates) != _up_to(
                    entry.driver, now_candidates
                )
            if not is_concerned:
                entry.candidates = now_candidates
            elif entry.attempt is not None:
                self._stop(entry, 'the drivers have changed')
            elif entry.state in (DeviceState.UNSUPPORTED, DeviceState.WAITING):
                self._set(entry, DeviceState.NEW)
        return self._settle()

    def advance(self, now: float) -> list[HostEffect]:
        """Try again what is due."""
        deadline = self.next_deadline()
        if deadline is None or deadline > now:
            return []
        for entry in self._entries.values():
            if entry.state is DeviceState.UNAVAILABLE and (entry.retry_at or now) <= now:
                entry.retry_at = None
                self._set(entry, DeviceState.NEW, entry.reason)
        return self._settle()

    def close(self, reason: str) -> list[HostEffect]:
        """Stop everything, for good."""
        for entry in self._entries.values():
            entry.is_present = False
            self._stop(entry, reason)
        return self._settle()

    # How it goes on

    def _settle(self) -> list[HostEffect]:
        """Do what follows from what has happened, and return all there is to do."""
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
        # Who has a row keeps it; who comes later sees that it is taken.
        for entry in sorted(present, key=lambda entry: entry.device.row is None):
            old = entry.device
            found = match(old.info, entry.reported_uid, self._rows, assigned)
            if found.row is not None:
                assigned[found.row.device_id] = old.identifier
            device = describe(
                old.identifier, old.connection_type, old.info, found.row, self._rows.fleet
            )
            if device != old:
                self._take_match(entry, device, found)
            elif entry.unmatched != found.reason:
                entry.unmatched = found.reason
                if entry.state is DeviceState.WAITING:
                    self._set(entry, DeviceState.WAITING, found.reason)

    def _take_match(self, entry: _Entry, device: DetectedDevice, found: Match) -> None:
        entry.unmatched = found.reason
        if entry.state in (DeviceState.READY, DeviceState.WAITING) and entry.attempt is not None:
            if entry.reported_uid is None:
                self._stop(entry, 'its row in the fleet has changed')
                entry.device = device
                return
            # The driver has found out itself whose device it is: there is no need to reopen it.
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
            # Whatever became of it: it was to end.
            again = DeviceState.NEW if entry.retry_at is None else DeviceState.UNAVAILABLE
            self._set(entry, again if entry.is_present else DeviceState.GONE, entry.reason)
        return None


def _up_to(driver: type[Driver], candidates: Sequence[type[Driver]]) -> list[type[Driver]] | None:
    """Return the drivers that were asked until one was chosen, None if it is not among them."""
    return list(candidates[: candidates.index(driver) + 1]) if driver in candidates else None


def _joined(*parts: str) -> str:
    return '; '.join(part for part in parts if part)
