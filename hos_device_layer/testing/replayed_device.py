"""A simulated device that replays a recording of `hos host --capture FILE`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hos_client.host.capture import TO_DEVICE, Piece, read_recording

from .serial_device import Reply


class ReplayedBoard:
    """
    Sends what the recorded device sent, whenever it receives what that device received.

    Pauses are those of the recording divided by `speed`. If other bytes arrive, it stops sending
    and describes them in `problem`.
    """

    def __init__(self, pieces: Sequence[Piece], speed: float = 1.0) -> None:
        self._pieces = list(pieces)
        self._speed = speed
        self._next = 0
        self._expected = b''
        self.problem = ''

    @property
    def is_finished(self) -> bool:
        """Whether the whole recording has been replayed."""
        return self._next == len(self._pieces) and not self._expected

    def plugged(self) -> Reply:
        """Return what the device sent before it received anything."""
        return self._send_next()

    def receive(self, data: bytes) -> Reply:
        """Compare bytes with the recording and return what the device sent after them."""
        while data and not self.problem:
            part = data[: len(self._expected)]
            if not part or not self._expected.startswith(part):
                self.problem = f'expected {self._expected!r}, received {data!r}'
                return
            self._expected, data = self._expected[len(part) :], data[len(part) :]
            if not self._expected:
                yield from self._send_next()

    def _send_next(self) -> Reply:
        while self._next < len(self._pieces):
            piece = self._pieces[self._next]
            self._next += 1
            if piece.direction == TO_DEVICE:
                self._expected = piece.data
                return
            yield self._pause_before(self._next - 1), piece.data

    def _pause_before(self, index: int) -> float:
        before = self._pieces[index - 1].time_s if index else self._pieces[index].time_s
        return (self._pieces[index].time_s - before) / self._speed


def replay(path: Path, port: str | None = None, speed: float = 1.0) -> ReplayedBoard:
    """Read the recording of a port (default: the first one in the file); raises HostError."""
    with path.open(encoding='ascii') as file:
        pieces = list(read_recording(file))
    port = port or (pieces[0].port if pieces else '')
    return ReplayedBoard([piece for piece in pieces if piece.port == port], speed)
