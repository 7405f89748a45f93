"""Driver for instruments on serial ports that answer line by line, such as SCPI ones."""

from __future__ import annotations

import queue
import time
from typing import Any, ClassVar

from hos_device_layer.core.errors import ValueMismatchError
from hos_device_layer.core.text import shortened

from ..answers import read_answer
from ..detected import DetectedDevice
from ..driver import Action, Driver
from ..errors import ActionError, DeviceUnavailableError
from ..event_manager import event_manager
from ..lines import LineSplitter
from ..serial_port import SerialPort

BAUD_RATE = 9600

IDENTITY_QUERY = '*IDN?'

# An instrument that supports the query answers at once [s].
IDENTIFY_S = 0.5

# SCPI characters in a serializer: queries, headers of several parts, common commands.
_MARKS = frozenset('?:*')

# Lines that may wait; the oldest are dropped.
_MAX_LINES = 100


class LineDriver(Driver):
    """
    An instrument that answers queries; its commands are the serializers of its type.

    Supports types with `serialized_api` and at least one serializer with an SCPI character, such
    as `MEAS:VOLT?`. A command with a question mark, or of a function with results, is answered
    with one line of values separated by commas. The device's name is its answer to `*IDN?`.
    """

    connection_type = 'serial'
    priority = 1  # before L1, which supports any serializer
    terminator: ClassVar[bytes] = b'\n'
    # How long to wait for the late answer to a query that timed out [s].
    quiet_s: ClassVar[float] = 0.2

    def __init__(self, identifier: str, device: DetectedDevice) -> None:
        super().__init__(identifier, device)
        assert device.row is not None
        self._splitter = LineSplitter()
        # Received lines as bytes; a string is the reason why no more lines will come.
        self._events: queue.Queue[bytes | str] = queue.Queue(_MAX_LINES)
        self._is_late = False
        self._port = SerialPort(
            identifier, device.row.baud_rate or BAUD_RATE, self._handle_bytes, self._handle_loss
        )
        try:
            self.device_name = self._ask(IDENTITY_QUERY, IDENTIFY_S)
        except ActionError:
            # Not every instrument supports the query; the name stays the device id.
            self._is_late = False
        except DeviceUnavailableError:
            self._port.close()
            raise

    @classmethod
    def supported(cls, device: DetectedDevice) -> bool:
        """Return whether the type has a serializer with an SCPI character."""
        if device.type is None or not device.type.serialized_api:
            return False
        serializers = [f.serializer for f in device.functions if f.serializer is not None]
        return any(_MARKS & set(serializer.template) for serializer in serializers)

    def action(self, data: Action) -> Any:
        """Send a command, and return the values of its answer if it has one."""
        if data.text is None:
            raise ActionError(f'{data.function_name!r} has no serializer')
        fields = next(
            (f.results for f in self.device.functions if f.name == data.function_name), ()
        )
        if not fields and '?' not in data.text:
            self._send(data.text)
            return {}
        answer = self._ask(data.text, data.timeout_s)
        try:
            return read_answer(answer, fields) if fields else {}
        except ValueMismatchError as error:
            raise ActionError(f'{self.device.name}: {error}') from None

    def disconnect(self) -> None:
        """Close the port; a running action fails."""
        self._port.close()
        self._end('the port was closed')

    def _send(self, text: str) -> None:
        if not text.isascii():
            raise ActionError(f'expected a command in ASCII, got {shortened(text)}')
        self._port.write(text.encode('ascii') + self.terminator)

    def _ask(self, text: str, timeout_s: float) -> str:
        self._discard(self.quiet_s if self._is_late else 0.0)
        deadline = time.monotonic() + timeout_s
        self._send(text)
        event = self._next(deadline)
        if isinstance(event, bytes):
            self._is_late = False
            return event.decode('utf-8', 'replace').strip()
        if event is not None:
            raise DeviceUnavailableError(f'{self.device.name}: {event}')
        self._is_late = True
        half = self._splitter.half_line
        received = f'only {shortened(half.decode("ascii", "replace"))}' if half else 'nothing'
        raise ActionError(
            f'{self.device.name} at {self._port.baud_rate} baud did not answer '
            f'{shortened(text)} within {timeout_s:.1f} s; it sent {received}: is it powered, and '
            'is baud_rate in its row right?'
        )

    def _discard(self, quiet_s: float) -> None:
        """Discard lines until none has been received for `quiet_s` [s]."""
        while (event := self._next(time.monotonic() + quiet_s)) is not None:
            if isinstance(event, str):
                raise DeviceUnavailableError(f'{self.device.name}: {event}')
        self._splitter.clear()

    def _next(self, deadline: float) -> bytes | str | None:
        try:
            return self._events.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            return None

    # On the port's thread

    def _handle_bytes(self, data: bytes) -> None:
        for line in self._splitter.feed(data):
            self._put(line)

    def _handle_loss(self, reason: str) -> None:
        self._end(reason)
        event_manager.device_lost(self, reason)

    def _end(self, reason: str) -> None:
        self._put(reason)

    def _put(self, event: bytes | str) -> None:
        while True:
            try:
                self._events.put_nowait(event)
            except queue.Full:
                self._next(0.0)
            else:
                return
