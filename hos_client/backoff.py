"""How long to wait before the next attempt to connect."""

from __future__ import annotations

import random
from collections.abc import Callable

FIRST_S = 0.5
LONGEST_S = 30.0
FACTOR = 2.0

# The part of each wait that is left to chance, so that a fleet does not come back in one moment.
JITTER = 0.5

# A session that has lasted so long [s] was good, whatever ends it.
PROVEN_S = 10.0


class Backoff:
    """Waits that grow geometrically up to a cap, until a session has proven good."""

    def __init__(
        self,
        first_s: float = FIRST_S,
        longest_s: float = LONGEST_S,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._chance = chance
        self._next_s = first_s

    def next(self) -> float:
        """Return how long [s] to wait now."""
        wait = self._next_s
        self._next_s = min(self._next_s * FACTOR, self._longest_s)
        return wait * (1 - JITTER * self._chance())

    def session_lasted(self, duration_s: float) -> None:
        """Begin anew if a session was good."""
        if duration_s >= PROVEN_S:
            self._next_s = self._first_s
