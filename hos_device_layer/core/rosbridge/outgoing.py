"""The frames that wait to be sent to a peer."""

from __future__ import annotations

from collections import deque
from typing import Protocol


class LateFrame(Protocol):
    """A frame whose text is known when it is sent."""

    def __len__(self) -> int:
        """Return about how long its text will be [characters]."""

    def text(self) -> str | None:
        """Return the text, which is now sent; None if the frame was withdrawn."""


class OutgoingFrames:
    """A queue of frames, bytes for binary ones; `unsent` is their length [characters]."""

    __slots__ = ('_frames', 'unsent')

    def __init__(self) -> None:
        self.unsent = 0
        # None while the queue is empty, as for most peers: an empty deque takes 700 bytes.
        self._frames: deque[str | bytes | LateFrame] | None = None

    def __len__(self) -> int:
        return 0 if self._frames is None else len(self._frames)

    def put(self, frame: str | bytes | LateFrame) -> None:
        """Add a frame at the end."""
        if self._frames is None:
            self._frames = deque()
        self._frames.append(frame)
        self.unsent += len(frame)

    def next_text(self) -> str | bytes | None:
        """Remove and return the first frame that was not withdrawn; None if there is none."""
        while self._frames:
            frame = self._frames.popleft()
            self.unsent -= len(frame)
            text = frame if isinstance(frame, (str, bytes)) else frame.text()
            if text is not None:
                return text
        self._frames = None
        return None

    def clear(self) -> None:
        """Remove all frames."""
        self._frames = None
        self.unsent = 0
