"""Calls through the device manager: rate, latency, memory, idle load; baseline: a bare relay."""

from __future__ import annotations

import contextlib
import statistics
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from .caller import BenchmarkCaller
from .fleet_spec import FLEET, device_id, write_fleet
from .measurement import Measurement, Outcome, run_parts
from .processes import cpu_s, memory_kb, ros_parameters, run_in_new_process, running

DEVICE_COUNTS = (1, 100, 500, 1000)
OUTSTANDING = 16
PING_PERIOD_S = 5.0

# So long that no sample is published during a measurement.
NO_STREAMS_S = 10_000.0


def measure(quick: bool) -> Iterator[Outcome]:
    """Measure with each number of devices; `quick` runs one short round with the two smallest."""
    counts = DEVICE_COUNTS[:2] if quick else DEVICE_COUNTS
    # The speed of the machine varies over minutes: compared values are measured in the same round.
    measured: list[_RoundsByCount] = [{} for _ in range(1 if quick else 3)]
    yield from run_parts(
        {
            f'calls, {count} devices, round {number}': partial(_round, by_count, count, quick)
            for number, by_count in enumerate(measured, 1)
            for count in counts
        }
    )
    for count in counts:
        if rounds := [by_count[count] for by_count in measured if count in by_count]:
            yield from _measurements(count, rounds)
    most = max(counts)
    if complete := [by_count for by_count in measured if {1, most} <= by_count.keys()]:
        ratio = statistics.median(by_count[most].rate / by_count[1].rate for by_count in complete)
        yield Measurement(f'rate with {most} devices / with 1', ratio, '', at_least=0.8)


class _CallsRound(NamedTuple):
    """The rates of manager and relay [calls/s], and the manager's values of `_OTHER_VALUES`."""

    rate: float
    baseline: float
    others: list[float]


_RoundsByCount = dict[int, _CallsRound]


def _round(by_count: _RoundsByCount, count: int, quick: bool) -> Iterator[Measurement]:
    at = f'{count} devices, one round'
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_fleet(folder, count)
        baseline, lost = run_in_new_process(_relay_rate, folder, count, quick)
        yield Measurement(f'relay (baseline), {at}', baseline, 'calls/s')
        yield Measurement(f'relay, calls without success, {at}', lost, '')
        rate, lost, others = run_in_new_process(_manager_rate, folder, count, quick)
        yield Measurement(f'calls, {at}', rate, 'calls/s')
        yield Measurement(f'calls without success, {at}', lost, '', at_most=0)
    by_count[count] = _CallsRound(rate, baseline, others)


def _measurements(count: int, rounds: list[_CallsRound]) -> Iterator[Measurement]:
    at = f'{count} devices'
    yield Measurement(f'calls, {at}', statistics.median(r.rate for r in rounds), 'calls/s')
    yield Measurement(
        f'relay (baseline), {at}', statistics.median(r.baseline for r in rounds), 'calls/s'
    )
    ratio = statistics.median(r.rate / r.baseline for r in rounds)
    yield Measurement(
        f'calls / baseline, {at}', ratio, '', at_least=0.6 if count == 1000 else None
    )
    for i, (name, unit, limit) in enumerate(_OTHER_VALUES):
        value = statistics.median(r.others[i] for r in rounds)
        limit = limit if count == 1000 else None
        yield Measurement(f'{name}, {at}', value, unit, at_most=limit)


_OTHER_VALUES = (
    ('call to result, p50', 'ms', None),
    ('call to result, p99', 'ms', None),
    ('process start to available service', 's', 2.0),
    ('memory per device', 'kB', 300.0),
    ('idle load of one core', '%', 10.0),
)


def _relay_rate(folder: Path, count: int, quick: bool) -> tuple[float, int]:
    """Return the rate and the number of calls without success."""
    with connected_devices(folder), running('benchmark.relay', str(count)), _caller() as caller:
        caller.wait_for_service()
        return _steady_rate(caller, count, quick), caller.unsuccessful


def _manager_rate(folder: Path, count: int, quick: bool) -> tuple[float, int, list[float]]:
    """Return the rate, the number of calls without success, and `_OTHER_VALUES`."""
    parameters = ros_parameters(fleet=FLEET, device_db_path=folder, state_folder=folder / 'state')
    with _caller() as caller:
        start = time.monotonic()
        with running('hos_device_layer.device_manager', *parameters) as manager:
            caller.wait_for_service()
            start_s = time.monotonic() - start
            empty_kb = memory_kb(manager.pid)
            with connected_devices(folder):
                caller.wait_for_devices(count)
                device_kb = (memory_kb(manager.pid) - empty_kb) / count
                rate = _steady_rate(caller, count, quick)
                p50_s, p99_s = caller.latencies(_targets(count), 200 if quick else 2000)
                load = _idle_load(manager.pid, 2 if quick else 15)
    others = [p50_s * 1000, p99_s * 1000, start_s, device_kb, load * 100]
    return rate, caller.unsuccessful, others


def _steady_rate(caller: BenchmarkCaller, count: int, quick: bool) -> float:
    # A warm-up round: the service of a device is discovered at the first call.
    caller.rate(_targets(count), OUTSTANDING, 1 if quick else 3)
    return caller.rate(_targets(count), OUTSTANDING, 1 if quick else 5)


def _idle_load(pid: int, duration_s: float) -> float:
    used = cpu_s(pid)
    time.sleep(duration_s)
    return (cpu_s(pid) - used) / duration_s


def _targets(count: int) -> list[str]:
    return [device_id(i) for i in range(count)]


def connected_devices(folder: Path) -> contextlib.AbstractContextManager[object]:
    """Simulate the fleet of a folder; results are published inside the service handlers."""
    parameters = ros_parameters(
        fleet=FLEET,
        device_db_path=folder,
        longest_s=0.0,
        ping_period_s=PING_PERIOD_S,
        stream_period_s=NO_STREAMS_S,
    )
    return running('hos_device_layer.testing.simulated_fleet', *parameters)


@contextlib.contextmanager
def _caller() -> Iterator[BenchmarkCaller]:
    caller = BenchmarkCaller()
    try:
        yield caller
    finally:
        caller.close()
