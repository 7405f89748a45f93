"""Limits the log messages that devices and callers can cause."""

from __future__ import annotations


class LogRateLimiter:
    """Admits `lines` log lines per second and counts the others."""

    def __init__(self, lines: int) -> None:
        self._lines = lines
        self._second = 0
        self._used = 0
        self._withheld = 0

    def admit(self, now: float) -> bool:
        """Return whether one more line may be written at `now` [s, steady]."""
        if int(now) != self._second:
            self._second = int(now)
            self._used = 0
        if self._used >= self._lines:
            self._withheld += 1
            return False
        self._used += 1
        return True

    def take_withheld(self) -> int:
        """Return how many lines were suppressed since the last call of this method."""
        withheld, self._withheld = self._withheld, 0
        return withheld
