"""A queue of many deadlines, most of which are postponed or dropped before they are due."""

from __future__ import annotations

import heapq


class Deadlines:
    """
    The deadline of each key [s, steady clock].

    Postponing and dropping cost one dictionary access: the queue is corrected when the old
    deadline is due.
    """

    def __init__(self) -> None:
        self._wanted: dict[int, float] = {}
        self._queued: dict[int, float] = {}
        self._queue: list[tuple[float, int]] = []

    def set(self, key: int, at: float) -> None:
        """Set or replace the deadline of a key."""
        self._wanted[key] = at
        queued = self._queued.get(key)
        if queued is None or at < queued:
            self._queued[key] = at
            heapq.heappush(self._queue, (at, key))

    def drop(self, key: int) -> None:
        """Forget the deadline of a key, if it has one."""
        self._wanted.pop(key, None)

    def next(self) -> float | None:
        """Return a time before which nothing is due, or None while there is no deadline."""
        return self._queue[0][0] if self._queue else None

    def take_due(self, now: float) -> list[int]:
        """Remove and return the keys whose deadline has come, the earliest first."""
        due: list[tuple[float, int]] = []
        while self._queue and self._queue[0][0] <= now:
            at, key = heapq.heappop(self._queue)
            if self._queued.get(key) != at:
                continue
            del self._queued[key]
            wanted = self._wanted.get(key)
            if wanted is None:
                continue
            if wanted <= now:
                del self._wanted[key]
                due.append((wanted, key))
            else:
                self.set(key, wanted)
        return [key for _, key in sorted(due)]
