"""Results on their way: none is lost with a connection."""

from __future__ import annotations

import itertools
import logging
from collections import deque
from concurrent.futures import Future

_log = logging.getLogger(__name__)

# Results kept for a line that is down; the oldest go first, their tasks have timed out by then.
MAX_RESULTS = 10_000


class Outbox:
    """
    Frames to deliver, in order, each with a future that tells when the gateway has it.

    A frame counts as delivered when a ping that was sent after it has been answered: the gateway
    reads in order. What was not delivered when a line broke is sent again on the next; the device
    manager takes a result only once.
    """

    def __init__(self) -> None:
        self._frames: deque[tuple[str, Future[bool]]] = deque()
        # Counted since the beginning: frames gone from here, and frames sent on this line.
        self._gone = 0
        self._sent = 0

    def __len__(self) -> int:
        return len(self._frames)

    def put(self, text: str) -> Future[bool]:
        """Add a frame; the future is True when it has been delivered, False if it is dropped."""
        future: Future[bool] = Future()
        self._frames.append((text, future))
        if len(self._frames) > MAX_RESULTS:
            _log.warning('more than %d results wait for a connection; dropped one', MAX_RESULTS)
            self._remove_oldest(delivered=False)
        return future

    def take_unsent(self) -> list[str]:
        """Return the frames to send now."""
        unsent = itertools.islice(self._frames, max(0, self._sent - self._gone), None)
        texts = [text for text, _ in unsent]
        self._sent = self._gone + len(self._frames)
        return texts

    @property
    def mark(self) -> int:
        """The place up to which frames have been sent; for `confirm`."""
        return self._sent

    def confirm(self, mark: int) -> None:
        """Take note that the frames before a mark were delivered."""
        while self._gone < mark:
            self._remove_oldest(delivered=True)

    def rewind(self) -> None:
        """Send everything again that is not known to be delivered."""
        self._sent = self._gone

    def _remove_oldest(self, delivered: bool) -> None:
        _, future = self._frames.popleft()
        self._gone += 1
        # A caller may have cancelled the future that it was given.
        if future.set_running_or_notify_cancel():
            future.set_result(delivered)
