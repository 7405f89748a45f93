"""The host: discovers local devices, runs their drivers, and registers them with the platform."""

from __future__ import annotations

import contextlib
import functools
import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from hos_device_layer.core.spec.fleet import Fleet

from ..client import Client
from ..device import Device
from .detected import DetectedDevice, Info
from .detector import Detector
from .device_registry import (
    Assign,
    DeviceRegistry,
    HostEffect,
    Register,
    Report,
    Start,
    Stop,
    Unregister,
)
from .driver import Driver
from .event_manager import event_manager
from .interface import Interface
from .loading import LoadedHandlers
from .platform import Platform
from .supervisor import Supervisor
from .task_router import TaskRouter

_log = logging.getLogger(__name__)

# Longest time that a driver may take to close its device; then it is abandoned [s].
RELEASE_S = 3.0

OnReport = Callable[[Report], object]


class Host:
    """
    Runs interfaces and drivers, and adds their devices to `client`.

    The device registry is used on one thread, which runs from `start` to `stop`; each interface
    and each device has a thread of its own. `on_report` is called on the host's thread when the
    state of a device changes.
    """

    def __init__(self, client: Client, on_report: OnReport | None = None) -> None:
        self._on_report = on_report
        self._registry = DeviceRegistry()
        self._events: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
        self._platform = Platform(client, self._events.put)
        self._router = TaskRouter(client, self._platform)
        self._detectors: dict[type[Interface] | Interface, Detector] = {}
        self._supervisors: dict[int, Supervisor] = {}
        self._by_uid: dict[int, Supervisor] = {}
        self._releasing: dict[int, float] = {}
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name='host', daemon=True)

    # From any thread

    def start(self) -> None:
        """Start; the client must be running."""
        event_manager.add_listener(self)
        self._thread.start()
        self._router.start()

    def stop(self) -> None:
        """Close every device and stop."""
        self._events.put(self._begin_stop)
        self._thread.join()
        self._router.stop()
        event_manager.remove_listener(self)

    def set_fleet(self, fleet: Fleet) -> None:
        """Replace the fleet."""
        self._events.put(lambda: self._set_fleet(fleet))

    def set_handlers(self, handlers: LoadedHandlers) -> None:
        """Replace the interfaces and drivers."""
        self._events.put(lambda: self._set_handlers(handlers))

    def add_interface(self, interface: Interface) -> None:
        """Run one more interface, an object that the program has created."""
        self._events.put(lambda: self._run_interface(interface, interface))

    # SupervisorEvents, on the threads of the supervisors

    def created(self, attempt: int, driver: type[Driver]) -> None:
        """Record that a device has its driver."""
        self._record(self._registry.created, attempt, driver)

    def unsupported(self, attempt: int, reason: str) -> None:
        """Record that no driver supports a device."""
        self._record(self._registry.unsupported, attempt, reason)
        self._events.put(lambda: self._forget(attempt))

    def unavailable(self, attempt: int, reason: str) -> None:
        """Record that a device cannot be used now."""
        self._record(self._registry.unavailable, attempt, reason, time.monotonic())
        self._events.put(lambda: self._forget(attempt))

    def ended(self, attempt: int) -> None:
        """Record that a stopped attempt has ended."""
        self._record(self._registry.ended, attempt)
        self._events.put(lambda: self._forget(attempt))

    def lost(self, attempt: int, reason: str) -> None:
        """Record that a driver has lost its device in an action."""
        self._record(self._registry.lost, attempt, reason, time.monotonic())

    # Listener, on the threads of the drivers

    def device_changed(self, driver: Driver) -> None:
        """Send the values of a driver as samples of its streams."""
        row = driver.device.row
        if row is not None:
            for stream, values in list(driver.data.items()):
                self._platform.sample(row.device_id, stream, values)

    def device_identified(self, driver: Driver, uid: int) -> None:
        """Record the uid that a device reports for itself."""
        self._for_supervisor_of(
            driver, lambda supervisor: self._registry.identified(supervisor.attempt, uid)
        )

    def device_lost(self, driver: Driver, reason: str) -> None:
        """Record that a driver has lost its device."""
        now = time.monotonic()
        self._for_supervisor_of(
            driver, lambda supervisor: self._registry.lost(supervisor.attempt, reason, now)
        )

    def _for_supervisor_of(
        self, driver: Driver, effects: Callable[[Supervisor], list[HostEffect]]
    ) -> None:
        def find() -> None:
            found = [s for s in self._supervisors.values() if s.driver is driver]
            for supervisor in found:
                self._perform(effects(supervisor))

        self._events.put(find)

    def _record(self, event: Callable[..., list[HostEffect]], *facts: Any) -> None:
        self._events.put(lambda: self._perform(event(*facts)))

    # On the host's thread

    def _run(self) -> None:
        while not (self._stopping and not self._supervisors and self._platform.is_settled):
            with contextlib.suppress(queue.Empty):
                self._events.get(timeout=self._wait_s())()
            now = time.monotonic()
            self._perform(self._registry.advance(now))
            for attempt in [a for a, deadline in self._releasing.items() if deadline <= now]:
                self._abandon(attempt)

    def _wait_s(self) -> float | None:
        deadlines = [*self._releasing.values()]
        retry = self._registry.next_deadline()
        if retry is not None:
            deadlines.append(retry)
        return max(0.0, min(deadlines) - time.monotonic()) if deadlines else None

    def _begin_stop(self) -> None:
        self._stopping = True
        for detector in self._detectors.values():
            detector.stop()
        self._perform(self._registry.close('the host is stopping'))

    def _set_fleet(self, fleet: Fleet) -> None:
        self._router.timeouts = {
            f.name: f.timeout_s for f in fleet.functions if f.timeout_s is not None
        }
        self._perform(self._registry.set_fleet(fleet))

    def _set_handlers(self, handlers: LoadedHandlers) -> None:
        self._perform(self._registry.set_drivers(handlers.drivers))
        for interface in [i for i in self._detectors if isinstance(i, type)]:
            if interface not in handlers.interfaces:
                self._detectors.pop(interface).stop()
                self._perform(
                    self._registry.found(_name(interface), interface.connection_type, {})
                )
        for interface in handlers.interfaces:
            if interface not in self._detectors:
                try:
                    self._run_interface(interface, interface())
                except Exception:
                    # Any exception of an interface is reported, and the interface is skipped.
                    _log.exception('cannot create the interface %s', interface.__name__)

    def _run_interface(self, key: type[Interface] | Interface, interface: Interface) -> None:
        if self._stopping:
            return
        detector = Detector(interface, functools.partial(self._devices_found, key))
        self._detectors[key] = detector
        detector.start()

    def _devices_found(
        self,
        key: type[Interface] | Interface,
        connection_type: str,
        devices: Mapping[str, Info],
    ) -> None:
        def record() -> None:
            # Ignored if the interface has been replaced in the meantime.
            if key in self._detectors and not self._stopping:
                self._perform(self._registry.found(_name(key), connection_type, devices))

        self._events.put(record)

    def _abandon(self, attempt: int) -> None:
        supervisor = self._supervisors[attempt]
        _log.error(
            '%s: its driver did not close in time and was abandoned; it may keep the device open',
            supervisor.driver.identifier if supervisor.driver else f'attempt {attempt}',
        )
        self._perform(self._registry.ended(attempt))
        self._forget(attempt)

    def _forget(self, attempt: int) -> None:
        self._supervisors.pop(attempt, None)
        self._releasing.pop(attempt, None)

    def _perform(self, effects: list[HostEffect]) -> None:
        for effect in effects:
            match effect:
                case Start(attempt, device, candidates):
                    supervisor = Supervisor(attempt, device, candidates, self)
                    self._supervisors[attempt] = supervisor
                    supervisor.start()
                case Stop(attempt, reason):
                    self._releasing[attempt] = time.monotonic() + RELEASE_S
                    self._supervisors[attempt].stop(reason)
                case Assign(attempt, device):
                    self._supervisors[attempt].assign(device)
                case Register(attempt, device):
                    self._register(self._supervisors[attempt], device)
                case Unregister(attempt, device):
                    self._unregister(self._supervisors[attempt], device)
                case Report():
                    if self._on_report is not None:
                        self._on_report(effect)

    def _register(self, supervisor: Supervisor, device: DetectedDevice) -> None:
        row, driver = device.row, supervisor.driver
        assert row is not None and row.uid is not None and driver is not None
        self._by_uid[row.uid] = supervisor
        self._router.supervisors = dict(self._by_uid)
        self._platform.register(
            Device(row.device_id, driver.device_type, driver.device_name, row.uid)
        )

    def _unregister(self, supervisor: Supervisor, device: DetectedDevice) -> None:
        row = device.row
        assert row is not None and row.uid is not None
        if self._by_uid.get(row.uid) is supervisor:
            del self._by_uid[row.uid]
            self._router.supervisors = dict(self._by_uid)
        self._platform.unregister(row.device_id, row.uid)


def _name(interface: type[Interface] | Interface) -> str:
    kind = interface if isinstance(interface, type) else type(interface)
    return f'{kind.__module__}.{kind.__qualname__} {id(interface)}'
