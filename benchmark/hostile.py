"""
What a healthy gateway device notices of hostile peers, slow ones, and a storm of reconnections.

A device is called 50 times a second, before each attack and during it.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from .caller import BenchmarkCaller, PacedTimes
from .fleet_spec import FLEET, device_id, write_fleet
from .gateway import free_port, simulated_devices, wait_for_port
from .hostile_peers import ATTACKS
from .measurement import Measurement, Outcome, run_parts
from .processes import memory_kb, ros_parameters, running
from .programs_log import open_log

RATE = 50.0
_STORM = 1_000

# How long the memory that an attack used may take to be given back [s].
_CALM_S = 8.0


def measure(quick: bool) -> Iterator[Outcome]:
    """Measure with each attack; `quick` runs each for a short time, and a small storm."""
    storm = 50 if quick else _STORM
    with _attacked_gateway(storm) as benchmark:
        yield from run_parts(
            {name: partial(_attack, benchmark, name, quick) for name in ATTACKS}
            | {f'storm of {storm} devices': partial(_storm, benchmark, storm, quick)}
        )


class _AttackedGateway:
    """A device manager with a healthy gateway device, and a caller on ROS."""

    def __init__(self, folder: Path, storm: int, stack: contextlib.ExitStack) -> None:
        self.port = free_port()
        parameters = ros_parameters(
            fleet=FLEET,
            device_db_path=folder,
            state_folder=folder / 'state',
            gateway_port=self.port,
            expose_device_services='false',
        )
        write_fleet(folder, 1 + storm)
        self.caller = BenchmarkCaller()
        stack.callback(self.caller.close)
        self.manager = stack.enter_context(running('hos_device_layer.device_manager', *parameters))
        self.caller.wait_for_service()
        wait_for_port(self.port)
        self.url = f'ws://127.0.0.1:{self.port}'
        stack.enter_context(simulated_devices(self.url, 1))
        self.caller.wait_for_devices(1)

    def calls(self, duration_s: float) -> PacedTimes:
        return self.caller.paced(device_id(0), RATE, duration_s)


@contextlib.contextmanager
def _attacked_gateway(storm: int) -> Iterator[_AttackedGateway]:
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        yield _AttackedGateway(Path(folder), storm, stack)


def _attack(gateway: _AttackedGateway, name: str, quick: bool) -> Iterator[Measurement]:
    duration_s = 2 if quick else 10
    before = gateway.calls(duration_s)
    memory = memory_kb(gateway.manager.pid)
    with _attacking(name, gateway.port):
        during = gateway.calls(duration_s)
    yield from _times(f'with {name}', during)
    yield Measurement(
        f'call to result, p99, with {name} / without',
        during.p99_ms / before.p99_ms,
        '',
        at_most=None if quick else 2.0,
    )
    yield _memory_ratio(gateway, f'after {name}', memory, quick)


def _storm(gateway: _AttackedGateway, count: int, quick: bool) -> Iterator[Measurement]:
    before = gateway.calls(2 if quick else 10)
    memory = memory_kb(gateway.manager.pid)
    # The devices connect while the calls begin; they lose their sockets when they are killed.
    for number in range(1 if quick else 3):
        with simulated_devices(gateway.url, count, first=1) as devices:
            during = gateway.calls(3 if quick else 10)
            assert devices.poll() is None
        yield from _times(f'in a storm of {count} devices, round {number + 1}', during)
        yield Measurement(
            f'call to result, p99, in a storm of {count} devices, round {number + 1}',
            during.p99_ms,
            'ms',
            at_most=None if quick else max(100.0, 2 * before.p99_ms),
        )
    yield _memory_ratio(gateway, 'after the storm', memory, quick)


def _times(at: str, times: PacedTimes) -> Iterator[Measurement]:
    yield Measurement(f'calls, {at}', times.calls, '')
    yield Measurement(f'calls without success, {at}', times.lost, '', at_most=0)
    yield Measurement(f'call to result, p50, {at}', times.p50_ms, 'ms')
    yield Measurement(f'call to result, p99, {at}', times.p99_ms, 'ms')


def _memory_ratio(
    gateway: _AttackedGateway, when: str, before_kb: float, quick: bool
) -> Measurement:
    time.sleep(0 if quick else _CALM_S)
    ratio = memory_kb(gateway.manager.pid) / before_kb
    return Measurement(f'memory {when} / before', ratio, '', at_most=None if quick else 1.2)


@contextlib.contextmanager
def _attacking(name: str, port: int) -> Iterator[None]:
    with (
        open_log() as log,
        subprocess.Popen(
            [sys.executable, '-m', 'benchmark.hostile_peers', name, str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as peers,
    ):
        assert peers.stdout is not None
        if peers.stdout.readline() != 'attacking\n':
            raise RuntimeError(f'the attack {name!r} did not begin')
        try:
            yield
        finally:
            peers.kill()
