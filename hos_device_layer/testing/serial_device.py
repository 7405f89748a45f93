"""Simulated serial devices, each on a pseudo-terminal in place of a serial port."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import json
import os
import selectors
import threading
import time
import tty
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

# The bytes that a device sends, in pieces, each with the delay after the previous one [s].
Reply = Iterable[tuple[float, bytes]]


class SimulatedBoard(Protocol):
    """The behaviour of a simulated serial device."""

    def plugged(self) -> Reply:
        """Return what to send when the device is plugged in."""

    def receive(self, data: bytes) -> Reply:
        """Process bytes from the host and return what to send."""


class SilentBoard:
    """Never answers; keeps what it has received."""

    def __init__(self) -> None:
        self.received = b''

    def plugged(self) -> Reply:
        """Send nothing."""
        return ()

    def receive(self, data: bytes) -> Reply:
        """Keep the bytes and send nothing."""
        self.received += data
        return ()


class LineBoard:
    """Answers each line with the result of a function."""

    def __init__(self, answer: Callable[[str], Reply]) -> None:
        self._answer = answer
        self._rest = b''

    def plugged(self) -> Reply:
        """Send nothing."""
        return ()

    def receive(self, data: bytes) -> Reply:
        """Answer every line that the bytes complete."""
        *lines, self._rest = (self._rest + data).split(b'\n')
        for line in lines:
            yield from self._answer(line.decode('ascii', 'replace').rstrip('\r'))


class L1Board(LineBoard):
    """
    A microcontroller with the L1 protocol: each command succeeds after `work_s`.

    `values` are the result values by command, `failures` the error codes. `line_end` is sent after
    each status byte; many boards send none.
    """

    def __init__(
        self,
        values: Mapping[str, str] | None = None,
        failures: Mapping[str, int] | None = None,
        work_s: float = 0.0,
        line_end: bytes = b'',
    ) -> None:
        super().__init__(self._run_command)
        self._values = values or {}
        self._failures = failures or {}
        self._work_s = work_s
        self._line_end = line_end
        self.commands: list[str] = []

    def _run_command(self, command: str) -> Reply:
        self.commands.append(command)
        yield 0.0, b'2' + self._line_end + b'1' + self._line_end
        if command in self._failures:
            yield self._work_s, b'A%d\n' % self._failures[command]
        else:
            values = self._values.get(command, '')
            line = values.encode('ascii') + b'\n' if values else b''
            yield self._work_s, line + b'0' + self._line_end


class QueryInstrument(LineBoard):
    """An instrument that answers queries: `*IDN?` and those in `answers`."""

    def __init__(self, answers: Mapping[str, str], identity: str = 'HOS,Simulated,1,1.0') -> None:
        super().__init__(self._reply)
        self._answers = {'*IDN?': identity, **answers}
        self.lines: list[str] = []

    def _reply(self, line: str) -> Reply:
        self.lines.append(line)
        if line in self._answers:
            yield 0.0, self._answers[line].encode('ascii') + b'\n'


class JsonBoard(LineBoard):
    """A board with the JSON lines protocol: `functions` return results by name, or raise."""

    def __init__(self, functions: Mapping[str, Callable[..., Any]]) -> None:
        super().__init__(self._run_command)
        self._functions = functions

    def _run_command(self, line: str) -> Reply:
        command = json.loads(line)
        answer: dict[str, Any] = {'cmd_id': command['cmd_id']}
        try:
            result = self._functions[command['function']](**command['args'])
            answer.update(success=True, result=result)
        except Exception as error:
            # As firmware does: every failure is reported to the host.
            answer.update(success=False, error=str(error))
        yield 0.0, json.dumps(answer).encode() + b'\n'


@dataclass(frozen=True)
class FakePort:
    """A serial port, with the attributes that pyserial lists."""

    device: str
    vid: int | None = None
    pid: int | None = None
    serial_number: str | None = None
    description: str | None = None
    manufacturer: str | None = None
    product: str | None = None


@dataclass
class _PluggedBoard:
    board: SimulatedBoard
    port: FakePort
    master: int
    slave: int
    link: Path | None
    is_open: bool = field(default=True)


class SerialBench:
    """
    Simulated devices that can be plugged in and unplugged at any time.

    `ports` replaces pyserial's list of ports. One thread serves all boards.
    """

    def __init__(self) -> None:
        self._plugged: dict[str, _PluggedBoard] = {}
        self._lock = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        self._due: list[tuple[float, int, _PluggedBoard, bytes]] = []
        self._numbers = itertools.count()
        self._callbacks: deque[Callable[[], object]] = deque()
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name='serial bench', daemon=True)
        self._thread.start()

    def __enter__(self) -> SerialBench:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ports(self) -> list[FakePort]:
        """Return the ports of the devices that are plugged in."""
        with self._lock:
            return [plugged.port for plugged in self._plugged.values()]

    def plug(
        self,
        board: SimulatedBoard,
        serial_number: str | None = None,
        usb_id: tuple[int, int] | None = None,
        link: Path | None = None,
    ) -> FakePort:
        """Plug a board in; `link` gives its port a fixed path."""
        master, slave = os.openpty()
        tty.setraw(slave)
        os.set_blocking(master, False)
        if link is not None:
            link.unlink(missing_ok=True)
            link.symlink_to(os.ttyname(slave))
        vid, pid = usb_id or (None, None)
        path = str(link) if link is not None else os.ttyname(slave)
        port = FakePort(path, vid, pid, serial_number)
        plugged = _PluggedBoard(board, port, master, slave, link)
        with self._lock:
            self._plugged[path] = plugged
        self._call_on_thread(lambda: self._serve(plugged))
        return port

    def unplug(self, port: FakePort) -> None:
        """Unplug a board; returns when its port has disappeared."""
        with self._lock:
            plugged = self._plugged.pop(port.device)
        done = threading.Event()
        self._call_on_thread(lambda: self._remove(plugged))
        self._call_on_thread(done.set)
        done.wait()

    def send(self, port: FakePort, data: bytes) -> None:
        """Send bytes from a board without a command."""
        with self._lock:
            plugged = self._plugged[port.device]
        self._call_on_thread(lambda: self._send(plugged, data))

    def close(self) -> None:
        """Unplug all boards and stop the thread."""
        for port in self.ports():
            self.unplug(port)
        self._is_stopping = True
        os.write(self._wake_write, b'.')
        self._thread.join()
        self._selector.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _call_on_thread(self, callback: Callable[[], object]) -> None:
        self._callbacks.append(callback)
        os.write(self._wake_write, b'.')

    # The methods below run on the thread of the bench.

    def _run(self) -> None:
        while not self._is_stopping:
            wait = max(0.0, self._due[0][0] - time.monotonic()) if self._due else None
            for key, _ in self._selector.select(wait):
                if key.fd == self._wake_read:
                    with contextlib.suppress(BlockingIOError):
                        os.read(self._wake_read, 4096)
                else:
                    self._read(key.data)
            while self._callbacks:
                self._callbacks.popleft()()
            now = time.monotonic()
            while self._due and self._due[0][0] <= now:
                _, _, plugged, data = heapq.heappop(self._due)
                self._send(plugged, data)

    def _serve(self, plugged: _PluggedBoard) -> None:
        self._selector.register(plugged.master, selectors.EVENT_READ, plugged)
        self._answer(plugged, plugged.board.plugged())

    def _read(self, plugged: _PluggedBoard) -> None:
        if not plugged.is_open:
            return
        try:
            data = os.read(plugged.master, 4096)
        except BlockingIOError:
            return
        self._answer(plugged, plugged.board.receive(data))

    def _answer(self, plugged: _PluggedBoard, reply: Reply) -> None:
        due = time.monotonic()
        for wait, piece in reply:
            due += wait
            if wait > 0 or self._due:
                heapq.heappush(self._due, (due, next(self._numbers), plugged, piece))
            else:
                self._send(plugged, piece)

    def _send(self, plugged: _PluggedBoard, data: bytes) -> None:
        if plugged.is_open:
            # The buffer of a port that is not read fills up; a real line loses bytes then, too.
            with contextlib.suppress(BlockingIOError):
                os.write(plugged.master, data)

    def _remove(self, plugged: _PluggedBoard) -> None:
        plugged.is_open = False
        self._selector.unregister(plugged.master)
        os.close(plugged.master)
        os.close(plugged.slave)
        if plugged.link is not None:
            plugged.link.unlink(missing_ok=True)
