"""
The L1 protocol of microcontrollers on serial ports, without I/O: bytes in, events out.

A command is ASCII with a line end. The device answers with status bytes and with lines of
letter-number pairs. A status byte comes where a line could begin and needs no line end.
"""

from __future__ import annotations

import enum
import re
from typing import NamedTuple

from hos_device_layer.core.errors import ValueMismatchError

LINE_END = b'\n'

RECEIVED = 0x32
WORKING = 0x31
DONE = 0x30
FAILED = 0x41

# Microcontrollers have small buffers, so a longer line is noise.
MAX_LINE = 256

# Largest size of the values of one result, in characters.
MAX_RESULT = 4096

# Noise and error codes may come without a line end; this long a silence ends them [s].
GAP_S = 0.25

_SAMPLE = re.compile(r'S(\d{1,3})(V.*)', re.DOTALL)
_CODE = re.compile(r'A(\d{1,9})')


class Received(NamedTuple):
    """The device has received the command."""


class Working(NamedTuple):
    """The device is executing the command."""


class Done(NamedTuple):
    """The command has succeeded; `values` are the lines before it, such as `V5V1`."""

    values: str


class Failed(NamedTuple):
    """The command has failed; `code` is the device's own."""

    code: int


class Sample(NamedTuple):
    """A sample of the type's `number`-th stream, counted from 0."""

    number: int
    values: str


class Noise(NamedTuple):
    """Bytes that are not valid L1."""

    data: bytes


L1Event = Received | Working | Done | Failed | Sample | Noise


class _Phase(enum.Enum):
    IDLE = 'idle'
    SENT = 'sent'
    ACCEPTED = 'accepted'


class L1:
    """
    The protocol of one port, with at most one command at a time. `now` is a monotonic time [s].

    After a command was abandoned, its late answers are not attributed to the next command: an
    end counts only after the device has received the new command.
    """

    def __init__(self) -> None:
        self._phase = _Phase.IDLE
        self._is_abandoned = False
        self._line = bytearray()
        self._is_noise = False
        self._values = ''
        self._last_byte = 0.0
        self._events: list[L1Event] = []

    @property
    def is_busy(self) -> bool:
        """Whether a command has not ended."""
        return self._phase is not _Phase.IDLE

    @property
    def half_line(self) -> bytes:
        """The received part of a line that has not ended."""
        return bytes(self._line)

    def command(self, text: str) -> bytes:
        """Start a command and return its bytes; raises ValueMismatchError if it is invalid."""
        if not text or not text.isascii() or not text.isprintable():
            raise ValueMismatchError(f'expected a command of printable ASCII, got {text!r}')
        assert not self.is_busy
        self._phase = _Phase.SENT
        self._values = ''
        return text.encode('ascii') + LINE_END

    def abandon(self) -> None:
        """Stop waiting for the end of the command."""
        self._phase = _Phase.IDLE
        self._is_abandoned = True

    def receive(self, data: bytes, now: float) -> list[L1Event]:
        """Process received bytes and return the events."""
        self._end_by_silence(now)
        self._last_byte = now
        for byte in data:
            self._take(byte)
        return self._take_events()

    def next_deadline(self) -> float | None:
        """Return when a silence ends a line, None if there is no such line."""
        waits = self._is_noise or self._line.startswith(b'A')
        return self._last_byte + GAP_S if waits else None

    def advance(self, now: float) -> list[L1Event]:
        """Record that nothing was received until now, and return the events."""
        self._end_by_silence(now)
        return self._take_events()

    def _take_events(self) -> list[L1Event]:
        events, self._events = self._events, []
        return events

    def _end_by_silence(self, now: float) -> None:
        deadline = self.next_deadline()
        if deadline is not None and deadline <= now:
            self._end_line()

    def _take(self, byte: int) -> None:
        if byte in b'\r\n':
            self._end_line()
        elif self._line:
            self._extend(byte)
        elif byte in (RECEIVED, WORKING, DONE):
            self._take_status(byte)
        elif 0x20 <= byte < 0x7F:
            self._is_noise = byte not in b'ASV'
            self._line.append(byte)
        else:
            # Not text. A status byte may follow, so this byte does not begin a line.
            self._events.append(Noise(bytes([byte])))

    def _extend(self, byte: int) -> None:
        is_code = self._line[0] == FAILED
        if is_code and not 0x30 <= byte <= 0x39:
            self._end_line()
            self._take(byte)
            return
        if not 0x20 <= byte < 0x7F or len(self._line) >= MAX_LINE:
            self._is_noise = True
        if len(self._line) < MAX_LINE:
            self._line.append(byte)

    def _end_line(self) -> None:
        line, is_noise = bytes(self._line), self._is_noise
        self._line.clear()
        self._is_noise = False
        if line:
            self._take_line(line, is_noise)

    def _take_line(self, line: bytes, is_noise: bool) -> None:
        text = '' if is_noise else line.decode('ascii')
        if code := _CODE.fullmatch(text):
            self._take_failure(int(code[1]))
        elif sample := _SAMPLE.fullmatch(text):
            self._events.append(Sample(int(sample[1]), sample[2]))
        elif text.startswith('V') and len(self._values) + len(text) <= MAX_RESULT:
            self._take_values(text)
        else:
            self._events.append(Noise(line))

    def _take_values(self, text: str) -> None:
        if self._is_expected:
            self._values += text

    def _take_status(self, byte: int) -> None:
        if byte == RECEIVED and self._phase is _Phase.SENT:
            self._phase = _Phase.ACCEPTED
            self._is_abandoned = False
            self._values = ''
            self._events.append(Received())
        elif not self._is_expected:
            self._events.append(Noise(bytes([byte])))
        elif byte == WORKING:
            self._phase = _Phase.ACCEPTED
            self._events.append(Working())
        elif byte == DONE:
            self._phase = _Phase.IDLE
            self._events.append(Done(self._values))

    def _take_failure(self, code: int) -> None:
        if self._is_expected:
            self._phase = _Phase.IDLE
            self._events.append(Failed(code))
        else:
            self._events.append(Noise(b'A%d' % code))

    @property
    def _is_expected(self) -> bool:
        """Whether received bytes belong to the current command."""
        return self._phase is _Phase.ACCEPTED or (
            self._phase is _Phase.SENT and not self._is_abandoned
        )
