"""A host with serial ports on ptys and the real gateway; the device manager is a double."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from fake_fleet import UID, fleet
from manager_double import WAIT_S, ManagerDouble, running_gateway

from hos_client import Client, DevicePool
from hos_client.backoff import Backoff
from hos_client.host import Driver, Host
from hos_client.host.device_registry import DeviceState, Report
from hos_client.host.drivers.json_lines import JsonLinesDriver
from hos_client.host.drivers.l1 import L1Driver
from hos_client.host.drivers.line import LineDriver
from hos_client.host.interfaces.serial_ports import SerialInterface
from hos_client.host.loading import LoadedHandlers
from hos_device_layer.core.dispatch.commands import Command
from hos_device_layer.core.spec.fleet import Fleet
from hos_device_layer.core.spec.records import Function
from hos_device_layer.links.gateway import Gateway
from hos_device_layer.testing.serial_device import FakePort, SerialBench, SimulatedBoard

LOOP_DELAY_S = 0.05

SERIAL_DRIVERS: tuple[type[Driver], ...] = (L1Driver, LineDriver, JsonLinesDriver)


class Rig:
    """The parts of a running host that tests use."""

    def __init__(self, bench: SerialBench, gateway: Gateway, manager: ManagerDouble) -> None:
        self.bench = bench
        self.gateway = gateway
        self.manager = manager
        self.reports: queue.Queue[Report] = queue.Queue()
        self.client = Client(
            DevicePool(),
            f'ws://127.0.0.1:{gateway.port}',
            backoff=Backoff(0.02, 0.1),
            ping_interval_s=60.0,
        )
        self.host = Host(self.client, self.reports.put)

    def wait_for(self, state: DeviceState, identifier: str | None = None) -> Report:
        """Wait for the next report of a state and return it."""
        while True:
            report = self.reports.get(timeout=WAIT_S)
            if report.state is state and identifier in (None, report.identifier):
                return report

    def plug(self, board: SimulatedBoard, **port: Any) -> FakePort:
        """Plug a device in, by default K6101, and wait until it is connected."""
        port.setdefault('serial_number', 'K6101')
        plugged = self.bench.plug(board, **port)
        self.wait_for(DeviceState.READY)
        assert self.event('connect') == ('connect', UID)
        return plugged

    def event(self, kind: str) -> tuple[Any, ...]:
        """Wait for the manager's next event of a kind and return it."""
        while True:
            event = self.manager.next_event()
            if event[0] == kind:
                return event

    def call(
        self, function: Function, *arguments: str, cmd_id: int = 1, uid: int = UID
    ) -> tuple[Any, ...]:
        """Send a command and return the success, error and text of its result."""
        self.send(function, *arguments, cmd_id=cmd_id, uid=uid)
        return self.event('result')[3:]

    def send(self, function: Function, *arguments: str, cmd_id: int = 1, uid: int = UID) -> None:
        """Send a command of the manager."""
        serializer = function.serializer
        text = None if serializer is None else serializer.serialize(arguments)
        self.gateway.send(Command(cmd_id, uid, function, arguments, text))


class FastSerial(SerialInterface):
    _loop_delay = LOOP_DELAY_S


@contextmanager
def running_host(
    *drivers: type[Driver],
    of_fleet: Fleet | None = None,
    prepare: Callable[[SerialBench], object] = lambda bench: None,
) -> Iterator[Rig]:
    with SerialBench() as bench, running_gateway() as (gateway, manager):
        prepare(bench)
        rig = Rig(bench, gateway, manager)
        with rig.client:
            assert rig.client.wait_until_connected()
            rig.host.start()
            try:
                rig.host.set_fleet(of_fleet or fleet())
                rig.host.set_handlers(LoadedHandlers(drivers=drivers))
                rig.host.add_interface(FastSerial(bench.ports))
                yield rig
            finally:
                rig.host.stop()
