"""Standard streams to which any text can be written, and that may close or fail at any time."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from typing import TextIO

_STDIN, _STDOUT, _STDERR = range(3)


class OutputStream(io.TextIOWrapper):
    """
    A stream that never raises an OSError: what cannot be written is discarded.

    `error` says why. What the encoding lacks is written as an escape sequence.
    """

    error: OSError | None = None

    def write(self, text: str, /) -> int:
        """Write a text, or discard it."""
        try:
            return super().write(text)
        except OSError as error:
            self._discard(error)
            return len(text)

    def flush(self) -> None:
        """Write what is buffered, or discard it."""
        try:
            super().flush()
        except OSError as error:
            self._discard(error)

    def _discard(self, error: OSError) -> None:
        # The command goes on: it may have to end what it has begun. Everything else, also what
        # the programs that it starts write, goes to the null device.
        self.error = self.error or error
        with contextlib.suppress(OSError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self.fileno())
            os.close(null)


def open_standard_streams() -> None:
    """Replace the standard streams by such that never fail; for the start of a program."""
    for number in (_STDIN, _STDOUT, _STDERR):
        _open_if_closed(number)
    sys.stdout = _robust(sys.stdout, _STDOUT)
    sys.stderr = _robust(sys.stderr, _STDERR)


def output_error() -> OSError | None:
    """Return why the standard output was not written completely, or None."""
    return sys.stdout.error if isinstance(sys.stdout, OutputStream) else None


def has_reader() -> bool:
    """Whether the standard output can be written."""
    return output_error() is None


def output_failure() -> str:
    """Return why the output was not written, or '' if it was, or its reader has read enough."""
    error = output_error()
    if error is None or error.errno == errno.EPIPE:
        return ''
    return f'the output could not be written: {error.strerror}'


def _open_if_closed(number: int) -> None:
    # Otherwise the next file or socket that is opened would get this number, and the output of
    # libraries and of other programs.
    try:
        os.fstat(number)
    except OSError:
        os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def _robust(stream: TextIO | None, number: int) -> TextIO:
    is_unbuffered = is_line_buffered = number == _STDERR
    encoding = 'utf-8'
    # None if the stream was closed.
    if isinstance(stream, io.TextIOWrapper):
        stream.flush()
        encoding = stream.encoding
        is_line_buffered, is_unbuffered = stream.line_buffering, stream.write_through
    return OutputStream(
        open(number, 'wb', buffering=0 if is_unbuffered else -1, closefd=False),
        encoding=encoding,
        errors='backslashreplace',
        line_buffering=is_line_buffered,
        write_through=is_unbuffered,
    )
