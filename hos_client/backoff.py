"""The wait before the next attempt to connect."""

from __future__ import annotations

import random
from collections.abc import Callable

FIRST_S = 0.5
LONGEST_S = 30.0
FACTOR = 2.0

# The random part of each wait, so that the devices of a fleet do not reconnect all at once.
JITTER = 0.5

# A session that lasted this long [s] was stable, whatever ended it.
PROVEN_S = 10.0


class Backoff:
    """Waits that grow exponentially up to a maximum; a stable session resets them."""

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
        """Return the next wait [s]."""
        wait = self._next_s
        self._next_s = min(self._next_s * FACTOR, self._longest_s)
        return wait * (1 - JITTER * self._chance())

    def wait_longest(self) -> None:
        """Make the next wait the longest one, because an attempt before that makes no sense."""
        self._next_s = self._longest_s

    def session_lasted(self, duration_s: float) -> None:
        """Reset the wait if the session was stable."""
        if duration_s >= PROVEN_S:
            self._next_s = self._first_s
