"""Follows the WebSocket frames in the bytes of a peer (RFC 6455 section 5.2)."""

from __future__ import annotations

from typing import NamedTuple

_FIN = 0x80
_OPCODE = 0x0F
_MASKED = 0x80
_LENGTH = 0x7F
_CONTINUATION = 0
_FIRST_CONTROL = 8


class Scan(NamedTuple):
    """
    What was found: whole frames, and parts of long ones, end at `end`.

    `frames` counts all frames that begin before. Of these, `control` are pings, pongs and closes
    and `fragments` are parts of messages. The scan ends before an unmasked frame.
    """

    end: int
    frames: int = 0
    control: int = 0
    fragments: int = 0
    is_unmasked: bool = False


class FrameScanner:
    """Reads the headers of frames, and skips their contents."""

    def __init__(self) -> None:
        # What is still to come of the contents of the last frame [bytes].
        self._rest = 0

    def scan(self, data: bytes, start: int, most: int) -> Scan:
        """
        Scan `data` from `start` up to its end, an incomplete header or after `most` frames.

        The next scan must start at the end of this one.
        """
        size = len(data)
        end = start + self._rest
        frames = control = fragments = 0
        while end < size and frames < most:
            length = _header_and_contents(data, end, size)
            if length is None:
                break
            if not length:
                self._rest = 0
                return Scan(end, frames, control, fragments, True)
            first = data[end]
            opcode = first & _OPCODE
            frames += 1
            control += opcode >= _FIRST_CONTROL
            fragments += opcode == _CONTINUATION or not first & _FIN
            end += length
        self._rest = max(0, end - size)
        return Scan(min(end, size), frames, control, fragments)


def _header_and_contents(data: bytes, start: int, size: int) -> int | None:
    """Return the length of a frame, None if its header is incomplete, 0 if it is not masked."""
    if start + 2 > size:
        return None
    second = data[start + 1]
    if not second & _MASKED:
        return 0
    length = second & _LENGTH
    # Two bytes, the mask, and the length again if it does not fit into the second one.
    header = 6
    if length > 125:
        header = 8 if length == 126 else 14
        if start + header > size:
            return None
        length = int.from_bytes(data[start + 2 : start + header - 4], 'big')
    elif start + header > size:
        return None
    return header + length
