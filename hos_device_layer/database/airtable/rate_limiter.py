"""How often Airtable may be asked, and how long to wait before asking again."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

import msgspec


class RequestPolicy(msgspec.Struct, frozen=True):
    """Airtable's limits and our patience with it: https://airtable.com/developers/web/api/rate-limits."""

    # Five a second for a base. Answers travel for differing times, so that five requests sent in
    # a second may arrive in less than one.
    requests: int = 5
    period_s: float = 1.2

    # Who asks too often is refused for 30 s.
    lock_out_s: float = 31.0

    # What fails is tried again after 1, 2, 4 and 8 s.
    attempts: int = 5
    backoff_s: float = 1.0

    connect_timeout_s: float = 10.0
    read_timeout_s: float = 60.0


class RateLimiter:
    """Spaces requests out; `clock` returns steady seconds, `sleep` waits so many."""

    def __init__(
        self,
        pace: RequestPolicy,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.pace = pace
        self._clock = clock
        self._sleep = sleep
        self._sent: deque[float] = deque(maxlen=pace.requests)

    def before_request(self) -> None:
        """Wait until one more request is within the limit."""
        if len(self._sent) == self.pace.requests:
            wait_s = self._sent[0] + self.pace.period_s - self._clock()
            if wait_s > 0:
                self._sleep(wait_s)
        self._sent.append(self._clock())

    def lock_out(self) -> None:
        """Wait until Airtable, which was asked too often, answers again."""
        self._sleep(self.pace.lock_out_s)

    def back_off(self, failures: int) -> None:
        """Wait after so many failures in a row."""
        self._sleep(self.pace.backoff_s * 2 ** (failures - 1))
