"""
Recordings of serial ports: every byte with its time.

A recording is text, one line for each piece: seconds since the start, the port, `>` for bytes
sent to the device or `<` for bytes received from it, and the bytes in hexadecimal.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote

from .errors import HostError

TO_DEVICE = '>'
FROM_DEVICE = '<'


class Piece(NamedTuple):
    """Bytes sent in one direction; `time_s` is the time since the start of the recording."""

    time_s: float
    port: str
    direction: str
    data: bytes


class Capture:
    """Writes a recording; thread-safe."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.open('w', encoding='ascii')
        except OSError as error:
            raise HostError(f'cannot write {path}: {error.strerror}') from None
        self._start = time.monotonic()
        self._lock = threading.Lock()

    def write(self, port: str, direction: str, data: bytes) -> None:
        """Record a piece."""
        piece = Piece(time.monotonic() - self._start, port, direction, data)
        with self._lock:
            if not self._file.closed:
                # Always a whole line, so that a recording is valid wherever it ends.
                self._file.write(to_line(piece))
                self._file.flush()

    def close(self) -> None:
        """End the recording."""
        with self._lock:
            self._file.close()


def to_line(piece: Piece) -> str:
    """Return a piece as a line of a recording."""
    port = quote(piece.port, safe='/')
    return f'{piece.time_s:.6f} {port} {piece.direction} {piece.data.hex()}\n'


def read_recording(lines: Iterable[str]) -> Iterator[Piece]:
    """Read a recording; raises HostError, which names the line."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            time_s, port, direction, data = line.split()
            if direction not in (TO_DEVICE, FROM_DEVICE):
                raise ValueError(f'expected > or <, got {direction!r}')
            yield Piece(float(time_s), unquote(port), direction, bytes.fromhex(data))
        except ValueError as error:
            raise HostError(f'line {number} of the recording is invalid: {error}') from None
