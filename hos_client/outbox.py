"""The results that are not delivered yet, which survive the loss of a connection."""

from __future__ import annotations

import itertools
import logging
from collections import deque
from concurrent.futures import Future

_log = logging.getLogger(__name__)

# Results kept while disconnected; the oldest are dropped, because their tasks have timed out.
MAX_RESULTS = 10_000


class Outbox:
    """
    Frames to deliver in order, each with a future that ends when the gateway has it.

    A frame counts as delivered when a ping that was sent after it has been answered, because the
    gateway reads in order. Frames that were not delivered when a session ended are sent again on
    the next one; the device manager accepts a result only once.
    """

    def __init__(self) -> None:
        self._frames: deque[tuple[str, Future[bool]]] = deque()
        # Counted since the start: frames removed from here, and frames sent on this session.
        self._removed = 0
        self._sent = 0

    def __len__(self) -> int:
        return len(self._frames)

    def put(self, text: str) -> Future[bool]:
        """Add a frame; the future is True once it is delivered, False if it is dropped."""
        future: Future[bool] = Future()
        self._frames.append((text, future))
        if len(self._frames) > MAX_RESULTS:
            _log.warning(
                'more than %d results are waiting for a connection; dropped the oldest',
                MAX_RESULTS,
            )
            self._remove_oldest(delivered=False)
        return future

    def take_unsent(self) -> list[str]:
        """Return the frames to send now."""
        unsent = itertools.islice(self._frames, max(0, self._sent - self._removed), None)
        texts = [text for text, _ in unsent]
        self._sent = self._removed + len(self._frames)
        return texts

    @property
    def mark(self) -> int:
        """The number of frames sent so far; pass it to `confirm`."""
        return self._sent

    def confirm(self, mark: int) -> None:
        """Record that the frames before a mark have been delivered."""
        while self._removed < mark:
            self._remove_oldest(delivered=True)

    def rewind(self) -> None:
        """Mark every frame that is not confirmed as unsent."""
        self._sent = self._removed

    def _remove_oldest(self, delivered: bool) -> None:
        _, future = self._frames.popleft()
        self._removed += 1
        # The caller may have cancelled the future.
        if future.set_running_or_notify_cancel():
            future.set_result(delivered)
