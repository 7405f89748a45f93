"""Serial ports with clear errors, each read on a thread of its own."""

from __future__ import annotations

import contextlib
import errno
import grp
import logging
import os
import select
import threading
import time
from collections.abc import Callable
from typing import Protocol

import serial

from .capture import FROM_DEVICE, TO_DEVICE
from .errors import DeviceUnavailableError

_log = logging.getLogger(__name__)

# Longest time that a write may be blocked [s].
WRITE_TIMEOUT_S = 2.0

_READ_BYTES = 4096


class Tap(Protocol):
    """Observes the bytes of every port, as a Capture does."""

    def write(self, port: str, direction: str, data: bytes) -> None:
        """Handle bytes of a port."""


_taps: list[Tap] = []


def add_tap(tap: Tap) -> None:
    """Pass the bytes of all ports of this program to a tap from now on."""
    _taps.append(tap)


def remove_tap(tap: Tap) -> None:
    """Stop passing bytes to a tap."""
    _taps.remove(tap)


class SerialPort:
    """
    An open port. Received bytes are passed to `on_bytes`; `on_lost` gets the reason of a loss.

    Both are called on the port's thread; `on_lost` is not called after `close`. The constructor
    raises DeviceUnavailableError.
    """

    def __init__(
        self,
        path: str,
        baud_rate: int,
        on_bytes: Callable[[bytes], object],
        on_lost: Callable[[str], object],
    ) -> None:
        self.path = path
        self.baud_rate = baud_rate
        self._on_bytes = on_bytes
        self._on_lost = on_lost
        self._is_closed = False
        self._is_lost = False
        try:
            # Exclusive, because two programs on one port would each read half of the answers.
            self._serial = serial.Serial(path, baud_rate, exclusive=True)
        except (OSError, ValueError) as error:
            raise DeviceUnavailableError(open_error_text(path, error)) from None
        self._lock = threading.Lock()
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._read, name=f'port {path}', daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        """Send bytes; raises DeviceUnavailableError."""
        # Before the write, or a fast answer would be recorded before its question.
        for tap in _taps:
            tap.write(self.path, TO_DEVICE, data)
        rest = data
        deadline = time.monotonic() + WRITE_TIMEOUT_S
        while rest:
            with self._lock:
                if self._is_closed:
                    how = 'unplugged' if self._is_lost else 'closed'
                    raise DeviceUnavailableError(f'{self.path} was {how}')
                try:
                    rest = rest[os.write(self._serial.fileno(), rest) :]
                except BlockingIOError:
                    pass
                except OSError as error:
                    raise DeviceUnavailableError(f'{self.path} was unplugged: {error}') from None
            if rest:
                self._wait_for_room(deadline)

    def _wait_for_room(self, deadline: float) -> None:
        room = select.poll()
        with self._lock:
            if self._is_closed:
                return
            room.register(self._serial.fileno(), select.POLLOUT)
        if not room.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise DeviceUnavailableError(
                f'{self.path} accepts no more bytes: is the device stuck, or is flow control on?'
            )

    def transmission_s(self, data: bytes) -> float:
        """Return the transmission time of bytes [s], at ten bits a byte."""
        return len(data) * 10 / self.baud_rate

    def close(self) -> None:
        """Close the port; may be called on its own thread and more than once."""
        with self._lock:
            if not self._is_closed:
                self._is_closed = True
                os.write(self._wake_write, b'.')
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _read(self) -> None:
        try:
            self._read_until_closed()
        except OSError as error:
            _log.debug('%s: %s', self.path, error)
        with self._lock:
            self._is_lost = not self._is_closed
            self._is_closed = True
            os.close(self._wake_read)
            os.close(self._wake_write)
            with contextlib.suppress(OSError):
                self._serial.close()
        if self._is_lost:
            self._on_lost(f'{self.path} was unplugged')

    def _read_until_closed(self) -> None:
        # Without pyserial's read: it makes five system calls where two are enough, for every
        # byte of every device.
        port = self._serial.fileno()
        waiting = select.poll()
        waiting.register(port, select.POLLIN)
        waiting.register(self._wake_read, select.POLLIN)
        while not self._is_closed:
            if any(ready == self._wake_read for ready, _ in waiting.poll()):
                return
            try:
                data = os.read(port, _READ_BYTES)
            except BlockingIOError:
                continue
            if not data:
                return
            self._handle_bytes(data)

    def _handle_bytes(self, data: bytes) -> None:
        for tap in _taps:
            tap.write(self.path, FROM_DEVICE, data)
        try:
            self._on_bytes(data)
        except Exception:
            # An exception of a driver must not end the thread.
            _log.exception('%s: the handler of received bytes raised an exception', self.path)


def open_error_text(path: str, error: BaseException) -> str:
    """Return why a port cannot be opened, and what to do."""
    number = getattr(error, 'errno', None)
    if number in (errno.EACCES, errno.EPERM):
        return (
            f'no permission for {path}: join the group {_group_of(path)!r} '
            f'(sudo usermod -aG {_group_of(path)} $USER) and log in again'
        )
    if number in (errno.EAGAIN, errno.EBUSY) or 'exclusively lock' in str(error):
        return f'{path} is in use by another program: close it (fuser -v {path} shows which it is)'
    if number in (errno.ENOENT, errno.ENXIO, errno.ENODEV, errno.EIO):
        return f'{path} no longer exists'
    return f'cannot open {path}: {error}'


def _group_of(path: str) -> str:
    try:
        return grp.getgrgid(os.stat(path).st_gid).gr_name  # noqa: PTH116
    except (OSError, KeyError):
        return 'dialout'
