"""Instruments on a serial line that answer line by line, as SCPI has it."""

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

# An instrument that knows the query answers at once; others do not at all [s].
IDENTIFY_S = 0.5

# Marks of SCPI in a serializer: queries, headers of several parts, common commands.
_MARKS = frozenset('?:*')

# Lines that nobody asked for; the oldest are dropped.
_MAX_LINES = 100


class LineDriver(Driver):
    """
    A query-answer instrument: its functions are the serializers of its type.

    It takes types with `serialized_api` of which a serializer has a mark of SCPI: `MEAS:VOLT?`. A
    command with a question mark, or of a function with results, is answered with one line, whose
    values are separated by commas. The name of the device is what it answers to `*IDN?`.
    """

    connection_type = 'serial'
    priority = 1  # before L1, which takes any serializer
    terminator: ClassVar[bytes] = b'\n'
    # After a query that was not answered in time: how long to wait for its late answer [s].
    quiet_s: ClassVar[float] = 0.2

    def __init__(self, identifier: str, device: DetectedDevice) -> None:
        super().__init__(identifier, device)
        assert device.row is not None
        self._splitter = LineSplitter()
        # Lines as they come, and text for the reason why none will come any more.
        self._events: queue.Queue[bytes | str] = queue.Queue(_MAX_LINES)
        self._is_late = False
        self._port = SerialPort(
            identifier, device.row.baud_rate or BAUD_RATE, self._take_bytes, self._take_loss
        )
        try:
            self.device_name = self._ask(IDENTITY_QUERY, IDENTIFY_S)
        except ActionError:
            # It is no SCPI instrument, or does not say who it is: it keeps its id as its name.
            self._is_late = False
        except DeviceUnavailableError:
            self._port.close()
            raise

    @classmethod
    def supported(cls, device: DetectedDevice) -> bool:
        if device.type is None or not device.type.serialized_api:
            return False
        serializers = [f.serializer for f in device.functions if f.serializer is not None]
        return any(_MARKS & set(serializer.template) for serializer in serializers)

    def action(self, data: Action) -> Any:
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
        self._port.close()
        self._end('the port was closed')

    def _send(self, text: str) -> None:
        if not text.isascii():
            raise ActionError(f'{shortened(text)} is not ASCII')
        self._port.write(text.encode('ascii') + self.terminator)

    def _ask(self, text: str, timeout_s: float) -> str:
        self._discard(self.quiet_s if self._is_late else 0.0)
        deadline = time.monotonic() + timeout_s
        self._send(text)
        news = self._next(deadline)
        if isinstance(news, bytes):
            self._is_late = False
            return news.decode('utf-8', 'replace').strip()
        if news is not None:
            raise DeviceUnavailableError(f'{self.device.name}: {news}')
        self._is_late = True
        half = self._splitter.half_line
        came = f'only {shortened(half.decode("ascii", "replace"))}' if half else 'nothing'
        raise ActionError(
            f'{self.device.name} at {self._port.baud_rate} baud has not answered '
            f'{shortened(text)} in {timeout_s:.1f} s; it sent {came}: is it powered, and does '
            'baud_rate in its row fit?'
        )

    def _discard(self, quiet_s: float) -> None:
        """Drop what came unasked, until nothing has come for so long [s]."""
        while (news := self._next(time.monotonic() + quiet_s)) is not None:
            if isinstance(news, str):
                raise DeviceUnavailableError(f'{self.device.name}: {news}')
        self._splitter.clear()

    def _next(self, deadline: float) -> bytes | str | None:
        try:
            return self._events.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            return None

    # On the port's thread

    def _take_bytes(self, data: bytes) -> None:
        for line in self._splitter.feed(data):
            self._put(line)

    def _take_loss(self, reason: str) -> None:
        self._end(reason)
        event_manager.device_lost(self, reason)

    def _end(self, reason: str) -> None:
        self._put(reason)

    def _put(self, news: bytes | str) -> None:
        while True:
            try:
                self._events.put_nowait(news)
            except queue.Full:
                self._next(0.0)
            else:
                return
