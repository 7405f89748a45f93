"""How many log lines outsiders can cause."""

from __future__ import annotations


class LogRateLimiter:
    """Lets through `lines` of each second [steady] and counts the rest."""

    def __init__(self, lines: int) -> None:
        self._lines = lines
        self._second = 0
        self._used = 0
        self._withheld = 0

    def admit(self, now: float) -> bool:
        """Return whether one more line may be written now."""
        if int(now) != self._second:
            self._second = int(now)
            self._used = 0
        if self._used >= self._lines:
            self._withheld += 1
            return False
        self._used += 1
        return True

    def take_withheld(self) -> int:
        """Return how many lines were not written since this was asked last."""
        withheld, self._withheld = self._withheld, 0
        return withheld
