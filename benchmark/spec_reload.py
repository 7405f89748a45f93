"""Reloading the specification of 1,000 connected devices during calls."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from hos_interfaces.srv import DeviceAPICall
from rclpy.task import Future
from std_srvs.srv import Trigger

from hos_device_layer.database import LocalCopy
from hos_device_layer.services import DEVICE_DB_RELOAD_SERVICE

from .caller import BenchmarkCaller
from .calls import connected_devices
from .fleet_spec import FLEET, FUNCTION, device_id, write_fleet
from .measurement import Measurement
from .processes import ros_parameters, running

DEVICE_COUNT = 1000
CALLS_PER_S = 200


def measure(quick: bool) -> Iterator[Measurement]:
    """Measure how long callers wait for acceptance while the specification is reloaded."""
    count = DEVICE_COUNT // 10 if quick else DEVICE_COUNT
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_fleet(folder, count)
        parameters = ros_parameters(
            fleet=FLEET, device_db_path=folder, state_folder=folder / 'state'
        )
        caller = ReloadingCaller()
        targets = [device_id(i) for i in range(count)]
        with running('hos_device_layer.device_manager', *parameters), connected_devices(folder):
            caller.wait_for_service()
            caller.wait_for_devices(count)
            # A warm-up round: the service of a device is discovered at the first call.
            caller.call_steadily(targets, count / CALLS_PER_S)
            before_s = caller.call_steadily(targets, 5)
            _change(folder)
            during_s = caller.call_steadily(targets, 5, reload=True)
        caller.close()
    at = f'{count} devices, {CALLS_PER_S} calls/s'
    yield Measurement(f'longest wait for acceptance, {at}', before_s * 1000, 'ms')
    yield Measurement(
        f'longest wait for acceptance during a reload, {at}', during_s * 1000, 'ms', at_most=100
    )
    yield Measurement(f'calls without success, {at}', caller.unsuccessful, '', at_most=0)


class ReloadingCaller(BenchmarkCaller):
    """Calls functions at a constant rate and requests a reload in between."""

    def call_steadily(
        self, targets: Sequence[str], duration_s: float, reload: bool = False
    ) -> float:
        """Return the longest time from a call to its acceptance [s]."""
        waits: list[float] = []
        self._ended = 0
        turn = itertools.cycle(targets)
        count = int(duration_s * CALLS_PER_S)
        reloaded: Future | None = None
        start = time.monotonic()
        for number in range(count):
            due = start + number / CALLS_PER_S
            self._spin_until(lambda: time.monotonic() >= due)  # noqa: B023 (called right here)
            self._call_timed(next(turn), waits)
            if reload and number == count // 3:
                reloaded = self._reload()
        self._drain(count)
        self.unsuccessful += max(0, self._ended - len(waits))
        if reloaded is not None:
            _check_reload(reloaded.result())
        return max(waits)

    def _call_timed(self, target: str, waits: list[float]) -> None:
        sent = time.monotonic()
        request = DeviceAPICall.Request(
            device_id=target, function_name=FUNCTION, args=self.arguments()
        )

        def note(_future: Future) -> None:
            waits.append(time.monotonic() - sent)

        self._client.call_async(request).add_done_callback(note)

    def _reload(self) -> Future:
        client = self._node.create_client(Trigger, DEVICE_DB_RELOAD_SERVICE)
        self._spin_until(client.service_is_ready)
        return client.call_async(Trigger.Request())


def _check_reload(answer: Trigger.Response | None) -> None:
    if answer is None or not answer.success or 'change' not in answer.message:
        raise RuntimeError(f'the specification was not reloaded: {answer}')


def _change(folder: Path) -> None:
    """Change every row of the fleet, and the function that is being called."""
    copy = LocalCopy(folder)
    tables, _ = copy.read_tables()
    fleet = f'fleet-{FLEET}'
    copy.write(
        {
            **tables,
            fleet: [{**row, 'serial_info': 'changed'} for row in tables[fleet]],
            'apis': [{**row, 'timeout_s': 30} for row in tables['apis']],
        }
    )
