"""How soon the device manager and the simulated devices end after Ctrl-C."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from .caller import BenchmarkCaller
from .calls import connected_devices
from .fleet_spec import FLEET, write_fleet
from .measurement import Measurement
from .processes import ros_parameters, running

DEVICE_COUNT = 500

# A user who presses Ctrl-C a second time has not waited for so long [s].
STOP_S = 2.0


def measure(quick: bool) -> Iterator[Measurement]:
    """Measure the time from SIGINT to the end of the manager of many connected devices."""
    count = DEVICE_COUNT // 10 if quick else DEVICE_COUNT
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_fleet(folder, count)
        with _connected_manager(folder, count) as manager:
            stopped_s = _stop(manager)
    yield Measurement(f'from Ctrl-C to the end, {count} devices', stopped_s, 's', at_most=STOP_S)


@contextlib.contextmanager
def _connected_manager(folder: Path, count: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run a manager and its devices, all of them connected."""
    parameters = ros_parameters(fleet=FLEET, device_db_path=folder, state_folder=folder / 'state')
    with (
        contextlib.closing(BenchmarkCaller()) as caller,
        running('hos_device_layer.device_manager', *parameters) as manager,
        connected_devices(folder),
    ):
        caller.wait_for_service()
        caller.wait_for_devices(count)
        yield manager


def _stop(process: subprocess.Popen[bytes]) -> float:
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.wait()
    return time.monotonic() - start
