"""
The L1 protocol of microcontrollers on serial lines, without a line: bytes in, events out.

A command is ASCII with a line end. The device answers with status bytes, and with lines of
letter-number pairs. A status byte stands where a line could begin; it needs no line end.
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

# Longer lines are noise: microcontrollers have small buffers.
MAX_LINE = 256

# What the values of one result may take in all.
MAX_RESULT = 4096

# Noise and error codes may come without a line end; after so long a silence they are over [s].
GAP_S = 0.25

_SAMPLE = re.compile(r'S(\d{1,3})(V.*)', re.DOTALL)
_CODE = re.compile(r'A(\d{1,9})')


class Received(NamedTuple):
    """The device has got the command."""


class Working(NamedTuple):
    """The device is carrying out the command."""


class Done(NamedTuple):
    """The command has succeeded; `values` are the lines before, `V5V1`."""

    values: str


class Failed(NamedTuple):
    """The command has failed, with the device's own code."""

    code: int


class Sample(NamedTuple):
    """A sample of the type's `number`-th stream, counted from 0."""

    number: int
    values: str


class Noise(NamedTuple):
    """Bytes that are no L1."""

    data: bytes


Event = Received | Working | Done | Failed | Sample | Noise


class _Phase(enum.Enum):
    IDLE = 'idle'
    SENT = 'sent'
    ACCEPTED = 'accepted'


class L1:
    """
    One line: at most one command at a time. `now` is a monotonic time [s].

    What belongs to a command that was given up is not taken for the next one's: after giving up,
    an end counts only when the device has received the new command.
    """

    def __init__(self) -> None:
        self._phase = _Phase.IDLE
        self._is_doubtful = False
        self._line = bytearray()
        self._is_noise = False
        self._values = ''
        self._last_byte = 0.0
        self._events: list[Event] = []

    @property
    def is_busy(self) -> bool:
        return self._phase is not _Phase.IDLE

    @property
    def half_line(self) -> bytes:
        """What has come of a line that has not ended."""
        return bytes(self._line)

    def command(self, text: str) -> bytes:
        """Return the bytes of a command; raises ValueMismatchError for what cannot be sent."""
        if not text or not text.isascii() or not text.isprintable():
            raise ValueMismatchError(f'{text!r} cannot be sent: L1 commands are printable ASCII')
        assert not self.is_busy
        self._phase = _Phase.SENT
        self._values = ''
        return text.encode('ascii') + LINE_END

    def give_up(self) -> None:
        """Wait no longer for the end of the command."""
        self._phase = _Phase.IDLE
        self._is_doubtful = True

    def receive(self, data: bytes, now: float) -> list[Event]:
        """Take bytes that have come."""
        self._end_by_silence(now)
        self._last_byte = now
        for byte in data:
            self._take(byte)
        return self._take_events()

    def next_deadline(self) -> float | None:
        """Return when a silence is long enough to mean something."""
        waits = self._is_noise or self._line.startswith(b'A')
        return self._last_byte + GAP_S if waits else None

    def advance(self, now: float) -> list[Event]:
        """Take note that nothing has come until now."""
        self._end_by_silence(now)
        return self._take_events()

    def _take_events(self) -> list[Event]:
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
            # Not even text. What follows may well be a status byte, so it is not a line's begin.
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
            self._is_doubtful = False
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
        """Whether what comes belongs to the command that runs."""
        return self._phase is _Phase.ACCEPTED or (
            self._phase is _Phase.SENT and not self._is_doubtful
        )
