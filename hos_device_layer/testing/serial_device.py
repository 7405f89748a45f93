"""Serial devices without hardware: each on a pseudo-terminal that looks like a port."""

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

# What a device does about bytes that came: pieces to send, each so long [s] after the last.
Reply = Iterable[tuple[float, bytes]]


class Board(Protocol):
    """How a simulated device behaves."""

    def plugged(self) -> Reply:
        """Return what to send on being plugged in."""

    def receive(self, data: bytes) -> Reply:
        """Take bytes from the host and return what to send."""


class SilentBoard:
    """Never answers; keeps what it was sent."""

    def __init__(self) -> None:
        self.received = b''

    def plugged(self) -> Reply:
        return ()

    def receive(self, data: bytes) -> Reply:
        self.received += data
        return ()


class LineBoard:
    """Answers each line by a function of it."""

    def __init__(self, answer: Callable[[str], Reply]) -> None:
        self._answer = answer
        self._rest = b''

    def plugged(self) -> Reply:
        return ()

    def receive(self, data: bytes) -> Reply:
        *lines, self._rest = (self._rest + data).split(b'\n')
        for line in lines:
            yield from self._answer(line.decode('ascii', 'replace').rstrip('\r'))


class L1Board(LineBoard):
    """
    A microcontroller that speaks L1: each command succeeds after `work_s` with its `values`.

    `failures` are error codes by command. `line_end` follows status bytes; many boards send none.
    """

    def __init__(
        self,
        values: Mapping[str, str] | None = None,
        failures: Mapping[str, int] | None = None,
        work_s: float = 0.0,
        line_end: bytes = b'',
    ) -> None:
        super().__init__(self._carry_out)
        self._values = values or {}
        self._failures = failures or {}
        self._work_s = work_s
        self._line_end = line_end
        self.commands: list[str] = []

    def _carry_out(self, command: str) -> Reply:
        self.commands.append(command)
        yield 0.0, b'2' + self._line_end + b'1' + self._line_end
        if command in self._failures:
            yield self._work_s, b'A%d\n' % self._failures[command]
        else:
            values = self._values.get(command, '')
            line = values.encode('ascii') + b'\n' if values else b''
            yield self._work_s, line + b'0' + self._line_end


class Instrument(LineBoard):
    """A query-answer instrument: knows `*IDN?` and the answers it is given."""

    def __init__(self, answers: Mapping[str, str], identity: str = 'HOS,Simulated,1,1.0') -> None:
        super().__init__(self._reply)
        self._answers = {'*IDN?': identity, **answers}
        self.lines: list[str] = []

    def _reply(self, line: str) -> Reply:
        self.lines.append(line)
        if line in self._answers:
            yield 0.0, self._answers[line].encode('ascii') + b'\n'


class JsonBoard(LineBoard):
    """A board that speaks JSON lines: `functions` give results by name, or raise."""

    def __init__(self, functions: Mapping[str, Callable[..., Any]]) -> None:
        super().__init__(self._carry_out)
        self._functions = functions

    def _carry_out(self, line: str) -> Reply:
        command = json.loads(line)
        answer: dict[str, Any] = {'cmd_id': command['cmd_id']}
        try:
            result = self._functions[command['function']](**command['args'])
            answer.update(success=True, result=result)
        except Exception as error:
            # As firmware would: whatever goes wrong is told.
            answer.update(success=False, error=str(error))
        yield 0.0, json.dumps(answer).encode() + b'\n'


@dataclass(frozen=True)
class FakePort:
    """A port as pyserial lists it."""

    device: str
    vid: int | None = None
    pid: int | None = None
    serial_number: str | None = None
    description: str | None = None
    manufacturer: str | None = None
    product: str | None = None


@dataclass
class _Plugged:
    board: Board
    port: FakePort
    master: int
    slave: int
    link: Path | None
    is_open: bool = field(default=True)


class SerialBench:
    """
    A bench of simulated devices: plug them in and out while it runs.

    Its `ports` stand in for pyserial's list of ports. All boards are served by one thread.
    """

    def __init__(self) -> None:
        self._plugged: dict[str, _Plugged] = {}
        self._lock = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        self._due: list[tuple[float, int, _Plugged, bytes]] = []
        self._numbers = itertools.count()
        self._jobs: deque[Callable[[], object]] = deque()
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name='serial bench', daemon=True)
        self._thread.start()

    def __enter__(self) -> SerialBench:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ports(self) -> list[FakePort]:
        """Return the ports that are there now."""
        with self._lock:
            return [plugged.port for plugged in self._plugged.values()]

    def plug(
        self,
        board: Board,
        serial_number: str | None = None,
        usb_id: tuple[int, int] | None = None,
        link: Path | None = None,
    ) -> FakePort:
        """Plug a board in; `link` gives its port a path that stays the same."""
        master, slave = os.openpty()
        tty.setraw(slave)
        os.set_blocking(master, False)
        if link is not None:
            link.unlink(missing_ok=True)
            link.symlink_to(os.ttyname(slave))
        vid, pid = usb_id or (None, None)
        path = str(link) if link is not None else os.ttyname(slave)
        port = FakePort(path, vid, pid, serial_number)
        plugged = _Plugged(board, port, master, slave, link)
        with self._lock:
            self._plugged[path] = plugged
        self._do(lambda: self._serve(plugged))
        return port

    def unplug(self, port: FakePort) -> None:
        """Pull a board's cable; returns when its port is gone."""
        with self._lock:
            plugged = self._plugged.pop(port.device)
        done = threading.Event()
        self._do(lambda: self._pull(plugged))
        self._do(done.set)
        done.wait()

    def send(self, port: FakePort, data: bytes) -> None:
        """Let a board send bytes on its own."""
        with self._lock:
            plugged = self._plugged[port.device]
        self._do(lambda: self._send(plugged, data))

    def close(self) -> None:
        """Pull all cables and end."""
        for port in self.ports():
            self.unplug(port)
        self._is_stopping = True
        os.write(self._wake_write, b'.')
        self._thread.join()
        self._selector.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _do(self, job: Callable[[], object]) -> None:
        self._jobs.append(job)
        os.write(self._wake_write, b'.')

    # On the bench's thread

    def _run(self) -> None:
        while not self._is_stopping:
            wait = max(0.0, self._due[0][0] - time.monotonic()) if self._due else None
            for key, _ in self._selector.select(wait):
                if key.fd == self._wake_read:
                    with contextlib.suppress(BlockingIOError):
                        os.read(self._wake_read, 4096)
                else:
                    self._read(key.data)
            while self._jobs:
                self._jobs.popleft()()
            now = time.monotonic()
            while self._due and self._due[0][0] <= now:
                _, _, plugged, data = heapq.heappop(self._due)
                self._send(plugged, data)

    def _serve(self, plugged: _Plugged) -> None:
        self._selector.register(plugged.master, selectors.EVENT_READ, plugged)
        self._answer(plugged, plugged.board.plugged())

    def _read(self, plugged: _Plugged) -> None:
        if not plugged.is_open:
            return
        try:
            data = os.read(plugged.master, 4096)
        except BlockingIOError:
            return
        self._answer(plugged, plugged.board.receive(data))

    def _answer(self, plugged: _Plugged, reply: Reply) -> None:
        due = time.monotonic()
        for wait, piece in reply:
            due += wait
            if wait > 0 or self._due:
                heapq.heappush(self._due, (due, next(self._numbers), plugged, piece))
            else:
                self._send(plugged, piece)

    def _send(self, plugged: _Plugged, data: bytes) -> None:
        if plugged.is_open:
            # A port that nobody reads is full at some time; a real line loses bytes then, too.
            with contextlib.suppress(BlockingIOError):
                os.write(plugged.master, data)

    def _pull(self, plugged: _Plugged) -> None:
        plugged.is_open = False
        self._selector.unregister(plugged.master)
        os.close(plugged.master)
        os.close(plugged.slave)
        if plugged.link is not None:
            plugged.link.unlink(missing_ok=True)
