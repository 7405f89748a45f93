"""Splits received bytes into lines."""

from __future__ import annotations

# Longer than any known answer; a longer line is dropped.
MAX_LINE = 64 * 1024


class LineSplitter:
    """Splits bytes at CR, LF or both; skips empty lines and lines longer than `max_line`."""

    def __init__(self, max_line: int = MAX_LINE) -> None:
        self._max_line = max_line
        self._rest = b''
        self._is_too_long = False

    @property
    def half_line(self) -> bytes:
        """The received part of a line that has not ended."""
        return self._rest

    def feed(self, data: bytes) -> list[bytes]:
        """Add received bytes and return the lines that they complete."""
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
        """Discard the received part of a line."""
        self._rest = b''
