"""Bytes into lines: whatever ends them, and however they come."""

from __future__ import annotations

# More than any answer in sight; what is longer is dropped as a whole.
MAX_LINE = 64 * 1024


class LineSplitter:
    """Splits at CR, LF or both; empty lines are left out."""

    def __init__(self, max_line: int = MAX_LINE) -> None:
        self._max_line = max_line
        self._rest = b''
        self._is_too_long = False

    @property
    def half_line(self) -> bytes:
        """What has come of a line that has not ended."""
        return self._rest

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes and return the lines that have ended."""
        *ended, rest = data.replace(b'\r', b'\n').split(b'\n')
        lines = []
        for piece in ended:
            line = self._rest + piece
            if line and not self._is_too_long and len(line) <= self._max_line:
                lines.append(line)
            self._rest, self._is_too_long = b'', False
        self._rest += rest
        if len(self._rest) > self._max_line:
            self._rest, self._is_too_long = b'', True
        return lines

    def clear(self) -> None:
        """Forget what has come of a line."""
        self._rest = b''
