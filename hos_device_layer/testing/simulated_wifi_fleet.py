"""A program that simulates the microcontrollers of a fleet: WiFi devices at the gateway."""

from __future__ import annotations

if __name__ == '__main__':
    # Before the other imports, which take up to a second.
    from ..exit_signals import exit_on_signals

    exit_on_signals()

import asyncio
import signal
import sys
from collections.abc import Callable, Mapping

from hos_client import Client, ClientError, DevicePool, Task
from hos_client import Device as ClientDevice

from ..core.dispatch.results import to_marked
from ..core.errors import DatabaseError, ValueMismatchError
from ..core.spec.field_types import Value
from ..core.spec.records import Spec
from ..database import LocalCopy
from ..database.installed import installed_device_db
from ..exit_signals import EXIT_SIGNALS
from ..parent_process import end_with_parent
from ..program_options import ProgramParser, add_device_db_option
from .simulated_device import SimulatedDevice

STREAM_PERIOD_S = 1.0


class SimulatedWifiFleet:
    """
    The devices of a fleet that have a uid and a serialized API, on one WebSocket connection.

    Devices with typed commands are simulated on ROS instead, see `simulated_fleet`. A command
    takes `shortest_s` to `longest_s`.
    """

    def __init__(
        self, spec: Spec, fleet: str, url: str, shortest_s: float = 0.05, longest_s: float = 0.4
    ) -> None:
        simulated = (
            SimulatedDevice(device, spec)
            for device in spec.fleets.get(fleet, {}).values()
            if device.uid is not None
        )
        self.devices = {s.device.device_id: s for s in simulated if s.is_serialized}
        self._durations_s = shortest_s, longest_s
        pool = DevicePool()
        for device_id, device in self.devices.items():
            row = device.device
            pool.add(ClientDevice(device_id, row.device_type, f'simulated {device_id}', row.uid))
        self.client = Client(pool, url, name=f'simulated fleet {fleet}')
        for name in {name for device in self.devices.values() for name in device.functions}:
            self.client.command(name)(self._handler(name))

    def stream(self) -> None:
        """Send a sample of every stream of every device; returns at once."""
        for device_id, device in self.devices.items():
            for stream in device.streams:
                sample = to_marked(device.sample(stream), stream.values)
                self.client.event(
                    device_id, stream.name, sample, timeout=STREAM_PERIOD_S, block=False
                )

    def _handler(self, function_name: str) -> Callable[..., object]:
        async def handle(command: str, task: Task) -> Mapping[str, Value]:
            device = self.devices[task.payload['device_id']]
            function = device.functions.get(function_name)
            if function is None:
                raise ValueMismatchError(
                    f'unknown function {function_name!r} of {device.device.device_id}'
                )
            arguments = device.read_serialized(function, command)
            await asyncio.sleep(device.duration(*self._durations_s))
            return device.run(function, arguments)

        return handle


def main(arguments: list[str] | None = None) -> int:
    """Simulate until SIGINT or SIGTERM; returns the exit code."""
    parser = ProgramParser('simulated_wifi_fleet', description=__doc__)
    parser.add_argument(
        '--url', default='ws://127.0.0.1:9091', help='the gateway; default: %(default)s'
    )
    parser.add_argument(
        '--fleet', default='demo', metavar='NAME', help='the fleet; default: %(default)s'
    )
    add_device_db_option(parser, installed_device_db())
    options = parser.parse_args(arguments)
    try:
        spec = LocalCopy(options.device_db).read()
        fleet = SimulatedWifiFleet(spec, options.fleet, options.url)
    except (DatabaseError, ClientError) as error:
        print(f'simulated_wifi_fleet: {error}', file=sys.stderr)  # noqa: T201
        return 2
    # Only `sigtimedwait` takes the signals from here on.
    signal.pthread_sigmask(signal.SIG_BLOCK, EXIT_SIGNALS)
    end_with_parent()
    with fleet.client:
        while signal.sigtimedwait(EXIT_SIGNALS, STREAM_PERIOD_S) is None:
            if fleet.client.is_connected:
                fleet.stream()
    return 0


if __name__ == '__main__':
    sys.exit(main())
