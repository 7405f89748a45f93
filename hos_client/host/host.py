"""The host: detects local devices, handles them, and makes them devices of the platform."""

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

# How long a driver may take to let go before it is left behind [s].
RELEASE_S = 3.0

OnReport = Callable[[Report], object]


class Host:
    """
    Runs interfaces and drivers; the devices they give are those of `client`.

    What is known of the devices changes on one thread, which runs from `start` to `stop`; each
    interface and each device has a thread of its own. `on_report` is told, on the host's thread,
    where each device has got to.
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
        """Begin; the client has to be started already."""
        event_manager.add_listener(self)
        self._thread.start()
        self._router.start()

    def stop(self) -> None:
        """Let go of every device."""
        self._events.put(self._begin_to_stop)
        self._thread.join()
        self._router.stop()
        event_manager.remove_listener(self)

    def set_fleet(self, fleet: Fleet) -> None:
        """Take a description of the fleet."""
        self._events.put(lambda: self._take_fleet(fleet))

    def set_handlers(self, handlers: LoadedHandlers) -> None:
        """Take other interfaces and drivers."""
        self._events.put(lambda: self._take_handlers(handlers))

    def add_interface(self, interface: Interface) -> None:
        """Run one more interface, an object made by the program itself."""
        self._events.put(lambda: self._detect(interface, interface))

    # What workers tell (WorkerEvents), on their threads

    def created(self, attempt: int, driver: type[Driver]) -> None:
        self._tell(self._registry.created, attempt, driver)

    def unsupported(self, attempt: int, reason: str) -> None:
        self._tell(self._registry.unsupported, attempt, reason)
        self._events.put(lambda: self._forget(attempt))

    def unavailable(self, attempt: int, reason: str) -> None:
        self._tell(self._registry.unavailable, attempt, reason, time.monotonic())
        self._events.put(lambda: self._forget(attempt))

    def ended(self, attempt: int) -> None:
        self._tell(self._registry.ended, attempt)
        self._events.put(lambda: self._forget(attempt))

    def lost(self, attempt: int, reason: str) -> None:
        self._tell(self._registry.lost, attempt, reason, time.monotonic())

    # What drivers tell (Listener), on their threads

    def device_changed(self, driver: Driver) -> None:
        row = driver.device.row
        if row is not None:
            for stream, values in list(driver.data.items()):
                self._platform.sample(row.device_id, stream, values)

    def device_identified(self, driver: Driver, uid: int) -> None:
        self._for_supervisor_of(
            driver, lambda supervisor: self._registry.identified(supervisor.attempt, uid)
        )

    def device_lost(self, driver: Driver, reason: str) -> None:
        now = time.monotonic()
        self._for_supervisor_of(
            driver, lambda supervisor: self._registry.lost(supervisor.attempt, reason, now)
        )

    def _for_supervisor_of(
        self, driver: Driver, effects: Callable[[Supervisor], list[HostEffect]]
    ) -> None:
        def find() -> None:
            supervisors = [
                supervisor
                for supervisor in self._supervisors.values()
                if supervisor.driver is driver
            ]
            for supervisor in supervisors:
                self._carry_out(effects(supervisor))

        self._events.put(find)

    def _tell(self, happened: Callable[..., list[HostEffect]], *facts: Any) -> None:
        self._events.put(lambda: self._carry_out(happened(*facts)))

    # On the host's thread

    def _run(self) -> None:
        while not (self._stopping and not self._supervisors and self._platform.is_settled):
            with contextlib.suppress(queue.Empty):
                self._events.get(timeout=self._wait_s())()
            now = time.monotonic()
            self._carry_out(self._registry.advance(now))
            for attempt in [a for a, deadline in self._releasing.items() if deadline <= now]:
                self._leave_behind(attempt)

    def _wait_s(self) -> float | None:
        deadlines = [*self._releasing.values()]
        retry = self._registry.next_deadline()
        if retry is not None:
            deadlines.append(retry)
        return max(0.0, min(deadlines) - time.monotonic()) if deadlines else None

    def _begin_to_stop(self) -> None:
        self._stopping = True
        for detector in self._detectors.values():
            detector.stop()
        self._carry_out(self._registry.close('the host is stopping'))

    def _take_fleet(self, fleet: Fleet) -> None:
        self._router.timeouts = {
            f.name: f.timeout_s for f in fleet.functions if f.timeout_s is not None
        }
        self._carry_out(self._registry.set_fleet(fleet))

    def _take_handlers(self, handlers: LoadedHandlers) -> None:
        self._carry_out(self._registry.set_drivers(handlers.drivers))
        for interface in [i for i in self._detectors if isinstance(i, type)]:
            if interface not in handlers.interfaces:
                self._detectors.pop(interface).stop()
                self._carry_out(
                    self._registry.found(_name(interface), interface.connection_type, {})
                )
        for interface in handlers.interfaces:
            if interface not in self._detectors:
                try:
                    self._detect(interface, interface())
                except Exception:
                    # Whatever an interface does, it is reported and left out.
                    _log.exception('the interface %s cannot be made', interface.__name__)

    def _detect(self, key: type[Interface] | Interface, interface: Interface) -> None:
        if self._stopping:
            return
        detector = Detector(interface, functools.partial(self._report_found, key))
        self._detectors[key] = detector
        detector.start()

    def _report_found(
        self,
        key: type[Interface] | Interface,
        connection_type: str,
        devices: Mapping[str, Info],
    ) -> None:
        def take() -> None:
            # One that has been replaced meanwhile has nothing to say.
            if key in self._detectors and not self._stopping:
                self._carry_out(self._registry.found(_name(key), connection_type, devices))

        self._events.put(take)

    def _leave_behind(self, attempt: int) -> None:
        supervisor = self._supervisors[attempt]
        _log.error(
            '%s: its driver does not let go and is left behind; it may keep the device open',
            supervisor.driver.identifier if supervisor.driver else f'attempt {attempt}',
        )
        self._carry_out(self._registry.ended(attempt))
        self._forget(attempt)

    def _forget(self, attempt: int) -> None:
        self._supervisors.pop(attempt, None)
        self._releasing.pop(attempt, None)

    def _carry_out(self, effects: list[HostEffect]) -> None:
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
