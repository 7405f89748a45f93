"""Gateway devices: rate, latency, reconnection, memory, streams; baseline: devices on ROS."""

from __future__ import annotations

import contextlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from hos_device_layer.topics import DEVICE_STREAM_TOPIC

from .caller import BenchmarkCaller
from .calls import NO_STREAMS_S
from .fleet_spec import FIRST_UID, FLEET, device_id, write_fleet
from .measurement import Measurement, Outcome, run_parts
from .processes import cpu_s, memory_kb, ros_parameters, run_in_new_process, running
from .programs_log import open_log

OUTSTANDING = 16

# One client of a rosbridge_server, measured on a machine with two cores.
ROSBRIDGE_CALLS_PER_S = 330.0
ROSBRIDGE_P99_MS = 3.5

STREAM_RATE = 10_000.0
_STREAM_DEVICES = 10

# How long the gateway may take to listen [s].
_START_TIMEOUT_S = 20


class CallTimes(NamedTuple):
    """The rate [calls/s] and the latencies [ms] of calls, and how many had no success."""

    rate: float
    p50_ms: float
    p99_ms: float
    unsuccessful: float


_Rounds = list[tuple[CallTimes, CallTimes]]


def measure(quick: bool) -> Iterator[Outcome]:
    """Measure with one device and with many; `quick` runs with fewer and for a shorter time."""
    rounds: _Rounds = []
    yield from run_parts(
        {
            f'gateway and ROS, round {number}': partial(_side_by_side, rounds, quick)
            for number in range(1, 2 if quick else 4)
        }
    )
    yield from run_parts(
        {
            'gateway, 1 device': partial(_comparison, rounds),
            'many gateway devices': partial(_many_devices, rounds, quick),
            'streams': partial(_stream_measurements, quick),
        }
    )


def _comparison(rounds: _Rounds) -> Iterator[Measurement]:
    single = _median([gateway for _, gateway in rounds])
    yield from _call_measurements('on ROS, 1 device', _median([ros for ros, _ in rounds]))
    yield from _call_measurements('gateway, 1 device', single)
    # The speed of the machine varies over minutes: compared values are measured in the same round.
    ratios = [[g / r for r, g in zip(ros[:3], gateway[:3])] for ros, gateway in rounds]
    rate, p50, p99 = (statistics.median(values) for values in zip(*ratios))
    yield Measurement('gateway / ROS, rate', rate, '', at_least=1.0)
    yield Measurement('gateway / ROS, p50', p50, '')
    yield Measurement('gateway / ROS, p99', p99, '', at_most=1.0)
    yield Measurement(
        'gateway / rosbridge server, rate',
        single.rate / ROSBRIDGE_CALLS_PER_S,
        '',
        at_least=5.0,
    )
    yield Measurement('gateway, p99', single.p99_ms, 'ms', at_most=ROSBRIDGE_P99_MS)


def _many_devices(rounds: _Rounds, quick: bool) -> Iterator[Measurement]:
    many = 50 if quick else 1000
    with _fleet(many) as fleet:
        at = f'{many} gateway devices'
        yield Measurement(f'time to connect all, {at}', fleet.connected_s, 's', at_most=10.0)
        yield Measurement(f'memory per device, {at}', fleet.device_kb, 'kB', at_most=100.0)
        yield Measurement(
            f'idle load of one core, {at}', fleet.idle_load(quick) * 100, '%', at_most=10.0
        )
        calls = fleet.calls(quick)
        yield from _call_measurements(at, calls)
        if rounds:
            ratio = calls.rate / _median([gateway for _, gateway in rounds]).rate
            yield Measurement(f'rate, {at} / 1', ratio, '', at_least=0.8)
        reconnected_s = fleet.restart_manager()
        yield Measurement(
            f'time to reconnect all after a restart, {at}', reconnected_s, 's', at_most=10.0
        )


def _side_by_side(rounds: _Rounds, quick: bool) -> Iterator[Measurement]:
    """Measure a device on ROS and one at the gateway, one after the other."""
    ros = run_in_new_process(_calls_on_ros, 1, quick)
    yield Measurement('calls, on ROS, one round', ros.rate, 'calls/s')
    gateway = run_in_new_process(_calls_at_gateway, 1, quick)
    yield Measurement('calls, gateway, one round', gateway.rate, 'calls/s')
    rounds.append((ros, gateway))


def _median(times: list[CallTimes]) -> CallTimes:
    return CallTimes(*(statistics.median(values) for values in zip(*times)))


def _call_measurements(at: str, calls: CallTimes) -> Iterator[Measurement]:
    yield Measurement(f'calls, {at}', calls.rate, 'calls/s')
    yield Measurement(f'call to result, p50, {at}', calls.p50_ms, 'ms')
    yield Measurement(f'call to result, p99, {at}', calls.p99_ms, 'ms')
    yield Measurement(f'calls without success, {at}', calls.unsuccessful, '', at_most=0)


def _stream_measurements(quick: bool) -> Iterator[Measurement]:
    count = 100 if quick else 5000
    with _fleet(_STREAM_DEVICES) as fleet:
        duration_s, received = fleet.stream(count)
    sent = count * _STREAM_DEVICES
    yield Measurement(
        'samples received and published on ROS',
        received / duration_s,
        'samples/s',
        at_least=None if quick else STREAM_RATE * 0.95,  # The time includes the last batch.
    )
    yield Measurement('samples received on ROS / sent', received / sent, '', at_least=1.0)


class _GatewayBenchmark:
    """A device manager with gateway devices, and a caller on ROS."""

    def __init__(self, folder: Path, count: int, stack: contextlib.ExitStack) -> None:
        self._count = count
        self._stack = stack
        self._targets = [device_id(i) for i in range(count)]
        port = free_port()
        self._parameters = ros_parameters(
            fleet=FLEET,
            device_db_path=folder,
            state_folder=folder / 'state',
            gateway_port=port,
            expose_device_services='false',
        )
        self._caller = BenchmarkCaller()
        stack.callback(self._caller.close)
        self._manager_stack = stack.enter_context(contextlib.ExitStack())
        self._start_manager()
        self._caller.wait_for_service()
        wait_for_port(port)
        empty_kb = memory_kb(self._manager.pid)
        self._devices = stack.enter_context(simulated_devices(f'ws://127.0.0.1:{port}', count))
        self.connected_s = self._next_connected()
        self._caller.wait_for_devices(count)
        self.device_kb = (memory_kb(self._manager.pid) - empty_kb) / count

    def calls(self, quick: bool) -> CallTimes:
        return _measure_calls(self._caller, self._targets, quick)

    def idle_load(self, quick: bool) -> float:
        duration_s = 2 if quick else 15
        used = cpu_s(self._manager.pid)
        time.sleep(duration_s)
        return (cpu_s(self._manager.pid) - used) / duration_s

    def restart_manager(self) -> float:
        """Kill the manager and start it again; returns the time to reconnect all devices [s]."""
        self._manager.kill()
        self._manager.wait()
        self._manager_stack.pop_all()
        self._start_manager()
        start = time.monotonic()
        self._next_connected()
        return time.monotonic() - start

    def stream(self, count: int) -> tuple[float, int]:
        """Send `count` samples per device; returns the duration [s] and the received samples."""
        topics = [DEVICE_STREAM_TOPIC(FIRST_UID + i, 'position') for i in range(self._count)]
        # The first sample of a device creates its topic.
        self._write_line('1 1000')
        self._wait_for('sent')
        self._caller.subscribe(topics)
        start = time.monotonic()
        self._write_line(f'{count} {STREAM_RATE}')
        received = self._caller.count_samples(count * self._count)
        duration_s = time.monotonic() - start
        self._wait_for('sent')
        return duration_s, received

    def _start_manager(self) -> None:
        self._manager = self._manager_stack.enter_context(
            running('hos_device_layer.device_manager', *self._parameters)
        )

    def _write_line(self, line: str) -> None:
        assert self._devices.stdin is not None
        self._devices.stdin.write(line + '\n')
        self._devices.stdin.flush()

    def _next_connected(self) -> float:
        return float(self._wait_for('connected').split()[1])

    def _wait_for(self, word: str) -> str:
        assert self._devices.stdout is not None
        for line in self._devices.stdout:
            if line.startswith(word):
                return line
        raise RuntimeError(f'the simulated devices ended before they printed {word!r}')


@contextlib.contextmanager
def _fleet(count: int) -> Iterator[_GatewayBenchmark]:
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        write_fleet(Path(folder), count)
        yield _GatewayBenchmark(Path(folder), count, stack)


def _calls_at_gateway(count: int, quick: bool) -> CallTimes:
    with _fleet(count) as fleet:
        return fleet.calls(quick)


def _calls_on_ros(count: int, quick: bool) -> CallTimes:
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        write_fleet(Path(folder), count)
        common = {'fleet': FLEET, 'device_db_path': folder}
        manager = ros_parameters(**common, state_folder=f'{folder}/state', gateway_enabled='false')
        devices = ros_parameters(**common, longest_s=0.0, stream_period_s=NO_STREAMS_S)
        caller = BenchmarkCaller()
        stack.callback(caller.close)
        stack.enter_context(running('hos_device_layer.device_manager', *manager))
        stack.enter_context(running('hos_device_layer.testing.simulated_fleet', *devices))
        caller.wait_for_devices(count)
        return _measure_calls(caller, [device_id(i) for i in range(count)], quick)


def _measure_calls(caller: BenchmarkCaller, targets: list[str], quick: bool) -> CallTimes:
    caller.rate(targets, OUTSTANDING, 1 if quick else 3)
    rounds = 1 if quick else 3
    rates = [caller.rate(targets, OUTSTANDING, 1 if quick else 3) for _ in range(rounds)]
    p50_s, p99_s = caller.latencies(targets, 200 if quick else 2000)
    return CallTimes(statistics.median(rates), p50_s * 1000, p99_s * 1000, caller.unsuccessful)


@contextlib.contextmanager
def simulated_devices(url: str, count: int, first: int = 0) -> Iterator[subprocess.Popen[str]]:
    """Run simulated devices of the fleet, from the one with the index `first` on."""
    with (
        open_log() as log,
        subprocess.Popen(
            [sys.executable, '-m', 'benchmark.gateway_devices', url, str(count), str(first)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as devices,
    ):
        try:
            yield devices
        finally:
            devices.kill()


def free_port() -> int:
    """Return a port that is free."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for_port(port: int) -> None:
    """Wait until a program listens on a port."""
    deadline = time.monotonic() + _START_TIMEOUT_S
    while True:
        try:
            socket.create_connection(('127.0.0.1', port), 1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
