"""The device host with simulated serial boards: overhead, idle load, plugging and unplugging."""

from __future__ import annotations

import contextlib
import os
import queue
import selectors
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from hos_device_layer.core.dispatch.commands import Command
from hos_device_layer.core.dispatch.effects import Answer, ConnectAnswer
from hos_device_layer.core.dispatch.events import (
    ConnectRequested,
    Event,
    LinkClosed,
    ResultReported,
)
from hos_device_layer.core.spec.field_types import Field
from hos_device_layer.core.spec.fleet import Fleet, fleet_to_json
from hos_device_layer.core.spec.records import DeviceType, FleetDevice, Function
from hos_device_layer.core.spec.serializers import Serializer
from hos_device_layer.links.gateway import Gateway, GatewaySettings
from hos_device_layer.links.gateway.host_files import FLEET_FILE, HANDLERS_FILE

from .measurement import Measurement, Outcome, run_parts
from .processes import cpu_s, running
from .programs_log import open_log

BOARDS = 64
CYCLES = 1000

# The loop delay of the built-in serial interface, and the limit for a new device [s].
LOOP_DELAY_S = 3.0
NEW_DEVICE_S = LOOP_DELAY_S + 1.0

# A short loop delay for the plug cycles, which are not timed [s].
_CYCLE_LOOP_DELAY_S = 0.02

# A condition that does not hold after this time is an error [s].
_TIMEOUT_S = 60.0

# The time until boards that started together are no longer synchronous [s].
_SETTLING_S = 2.0

_FUNCTION = Function(
    'move',
    results=(Field.from_text('took:uint32'),),
    device_types=('Board',),
    serializer=Serializer('A1B2C3'),
)

_INTERFACE = """
from pathlib import Path
from hos_client.host import Interface

class Shelf(Interface):
    connection_type = 'serial'
    _loop_delay = {loop_delay}

    def get_devices(self):
        paths = Path({folder!r}).iterdir()
        return {{str(path): {{'names': (path.name,)}} for path in paths}}
"""


class _BenchmarkManager:
    """Receives the events of devices on a thread of its own, in place of the device manager."""

    def __init__(self) -> None:
        self.connected: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.closed: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.on_result: Callable[[int, int, bool, str], None] = lambda *_: None
        self._work: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        threading.Thread(target=self._run, daemon=True).start()

    def wake(self, work: Callable[[], None]) -> None:
        self._work.put(work)

    def _run(self) -> None:
        while True:
            self._work.get()()

    def handle(self, event: Event) -> Answer | None:
        """Handle an event of the gateway."""
        match event:
            case ConnectRequested(uid):
                self.connected.put(uid)
                return ConnectAnswer(True)
            case LinkClosed(uid):
                self.closed.put(uid)
            case ResultReported(uid, cmd_id, success, _, result_str):
                self.on_result(uid, cmd_id, success, result_str)
        return None


def measure(quick: bool) -> Iterator[Outcome]:
    """Measure with all boards busy, with all idle, and with one that is plugged repeatedly."""
    yield from run_parts(
        {
            'bare lines': partial(_baseline, quick),
            'many boards': partial(_many_boards, quick),
            'plug cycles': partial(_one_board, quick),
        }
    )


def _baseline(quick: bool) -> Iterator[Measurement]:
    with tempfile.TemporaryDirectory() as folder, _boards(Path(folder), BOARDS):
        baseline = _bare_lines(Path(folder) / 'shelf', 2.0 if quick else 15.0)
    yield Measurement(
        f'overhead of bare lines (baseline), p99, {BOARDS} boards busy',
        _percentile(baseline, 99) * 1000,
        'ms',
    )


def _many_boards(quick: bool) -> Iterator[Measurement]:
    with _site(BOARDS, LOOP_DELAY_S) as (gateway, manager, boards, host):
        yield from _busy(gateway, manager, host, 2.0 if quick else 15.0)
        yield _idle(host, 3.0 if quick else 20.0)
        yield _new_device(boards, manager, 1 if quick else 5)


def _one_board(quick: bool) -> Iterator[Measurement]:
    with _site(1, _CYCLE_LOOP_DELAY_S) as (_, manager, boards, host):
        yield from _cycles(boards, manager, host, 50 if quick else CYCLES)


@contextlib.contextmanager
def _site(
    count: int, loop_delay: float
) -> Iterator[tuple[Gateway, _BenchmarkManager, subprocess.Popen[str], subprocess.Popen[bytes]]]:
    """Run a gateway, a host and boards, and wait until all boards are connected."""
    with (
        tempfile.TemporaryDirectory() as folder,
        _gateway() as (gateway, manager),
        _boards(Path(folder), count) as boards,
        _host(Path(folder), gateway, loop_delay) as host,
    ):
        for _ in range(count):
            manager.connected.get(timeout=_TIMEOUT_S)
        yield gateway, manager, boards, host


def _idle(host: subprocess.Popen[bytes], duration_s: float) -> Measurement:
    used = cpu_s(host.pid)
    time.sleep(duration_s)
    load = (cpu_s(host.pid) - used) / duration_s * 100
    return Measurement(f'idle load of one core, {BOARDS} boards', load, '%', at_most=5.0)


def _bare_lines(folder: Path, duration_s: float) -> list[float]:
    """Send commands to all boards from one bare loop; return the overheads [s]."""
    deadline = time.monotonic() + _TIMEOUT_S
    while len(paths := list(folder.iterdir())) < BOARDS and time.monotonic() < deadline:
        time.sleep(0.05)
    ports = {os.open(path, os.O_RDWR | os.O_NOCTTY): b'' for path in paths}
    sent: dict[int, float] = {}
    overheads: list[float] = []
    with selectors.DefaultSelector() as selector:
        for port in ports:
            selector.register(port, selectors.EVENT_READ)
            sent[port] = time.monotonic()
            os.write(port, b'A1B2C3\n')
        counted_from = time.monotonic() + _SETTLING_S
        while (now := time.monotonic()) < counted_from + duration_s:
            for key, _ in selector.select(1.0):
                ports[key.fd] += os.read(key.fd, 256)
                if not ports[key.fd].endswith(b'\n0'):
                    continue
                now = time.monotonic()
                took = int(ports[key.fd].partition(b'V')[2].partition(b'\n')[0]) / 1e6
                if now > counted_from:
                    overheads.append(now - sent[key.fd] - took)
                ports[key.fd], sent[key.fd] = b'', now
                os.write(key.fd, b'A1B2C3\n')
    for port in ports:
        os.close(port)
    return overheads


def _percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]


def _busy(
    gateway: Gateway, manager: _BenchmarkManager, host: subprocess.Popen[bytes], duration_s: float
) -> Iterator[Measurement]:
    overheads: list[float] = []
    sent: dict[int, float] = {}
    # All boards start at the same time; the first commands are not counted.
    counted_from = time.monotonic() + _SETTLING_S
    until = counted_from + duration_s
    done = threading.Event()
    next_id = BOARDS

    def send(uid: int, cmd_id: int) -> None:
        sent[cmd_id] = time.monotonic()
        gateway.send(Command(cmd_id, uid, _FUNCTION, (), 'A1B2C3'))

    def take(uid: int, cmd_id: int, success: bool, result: str) -> None:
        nonlocal next_id
        now = time.monotonic()
        if not success:
            raise RuntimeError(f'command {cmd_id} of uid {uid} failed')
        took = now - sent.pop(cmd_id) - int(result.removeprefix('V')) / 1e6
        if now > counted_from:
            overheads.append(took)
        if now < until:
            next_id += 1
            send(uid, next_id)
        elif not sent:
            done.set()

    manager.on_result = take
    for number in range(BOARDS):
        send(number, number)
    used, began = cpu_s(host.pid), time.monotonic()
    done.wait(duration_s + _TIMEOUT_S)
    load = (cpu_s(host.pid) - used) / (time.monotonic() - began) * 100
    at = f'{BOARDS} boards busy'
    yield Measurement(f'commands, {at}', len(overheads) / duration_s, 'commands/s')
    yield Measurement(f'load of one core, {at}', load, '%')
    yield Measurement(
        f'overhead over the line, p50, {at}', _percentile(overheads, 50) * 1000, 'ms'
    )
    yield Measurement(
        f'overhead over the line, p99, {at}', _percentile(overheads, 99) * 1000, 'ms', at_most=5.0
    )


def _new_device(
    boards: subprocess.Popen[str], manager: _BenchmarkManager, count: int
) -> Measurement:
    waits = []
    for number in range(count):
        began = time.monotonic()
        _write_line(boards, f'plug board{BOARDS + number}')
        manager.connected.get(timeout=_TIMEOUT_S)
        waits.append(time.monotonic() - began)
    return Measurement(
        'longest time from plugging in to connected', max(waits), 's', at_most=NEW_DEVICE_S
    )


def _cycles(
    boards: subprocess.Popen[str],
    manager: _BenchmarkManager,
    host: subprocess.Popen[bytes],
    count: int,
) -> Iterator[Measurement]:
    def cycle() -> None:
        _write_line(boards, 'unplug board0')
        manager.closed.get(timeout=_TIMEOUT_S)
        _write_line(boards, 'plug board0')
        manager.connected.get(timeout=_TIMEOUT_S)

    for _ in range(10):
        cycle()
    before = _entries(host.pid, 'task'), _entries(host.pid, 'fd')
    for _ in range(count):
        cycle()
    after = _entries(host.pid, 'task'), _entries(host.pid, 'fd')
    at = f'after {count} plug cycles'
    yield Measurement(f'additional threads {at}', after[0] - before[0], '', at_most=1)
    yield Measurement(f'additional open files {at}', after[1] - before[1], '', at_most=1)


def _entries(pid: int, kind: str) -> int:
    return len(list(Path(f'/proc/{pid}/{kind}').iterdir()))


def _write_line(boards: subprocess.Popen[str], line: str) -> None:
    assert boards.stdin is not None
    boards.stdin.write(line + '\n')
    boards.stdin.flush()


@contextlib.contextmanager
def _gateway() -> Iterator[tuple[Gateway, _BenchmarkManager]]:
    manager = _BenchmarkManager()
    gateway = Gateway(GatewaySettings(port=0), manager.handle, manager.wake)
    names = [f'board{number}' for number in range(2 * BOARDS)]
    fleet = Fleet(
        'bench',
        tuple(FleetDevice(n, i, 'Board', 'bench', serial_info=n) for i, n in enumerate(names)),
        (DeviceType('Board', serialized_api=True),),
        (_FUNCTION,),
    )
    gateway.host_files.offer(FLEET_FILE, fleet_to_json(fleet))
    gateway.host_files.offer_folder(HANDLERS_FILE, Path('/nonexistent'))
    try:
        yield gateway, manager
    finally:
        gateway.stop()


@contextlib.contextmanager
def _boards(folder: Path, count: int) -> Iterator[subprocess.Popen[str]]:
    (folder / 'shelf').mkdir()
    command = [sys.executable, '-m', 'benchmark.boards', str(folder / 'shelf'), str(count)]
    with (
        open_log() as log,
        subprocess.Popen(command, stdin=subprocess.PIPE, stderr=log, text=True) as boards,
    ):
        yield boards


@contextlib.contextmanager
def _host(folder: Path, gateway: Gateway, loop_delay: float) -> Iterator[subprocess.Popen[bytes]]:
    interface = folder / 'handlers' / 'interfaces' / 'shelf.py'
    interface.parent.mkdir(parents=True)
    interface.write_text(_INTERFACE.format(folder=str(folder / 'shelf'), loop_delay=loop_delay))
    options = {
        '--url': f'ws://127.0.0.1:{gateway.port}',
        '--handlers': str(folder / 'handlers'),
        '--state': str(folder / 'state'),
    }
    arguments = [part for option in options.items() for part in option]
    with running('hos_client.host', '--no-network', *arguments) as host:
        yield host
