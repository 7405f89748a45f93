"""Limits the rate of requests to Airtable, and delays retries."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

import msgspec


class RequestPolicy(msgspec.Struct, frozen=True):
    """Rate limit, retries and timeouts: https://airtable.com/developers/web/api/rate-limits."""

    # Airtable takes five requests per second for a base. Latency varies, so five requests sent
    # within a second may arrive within less.
    requests: int = 5
    period_s: float = 1.2

    # After too many requests Airtable refuses all for 30 s.
    lockout_s: float = 31.0

    # A failed request is repeated after 1, 2, 4 and 8 s.
    attempts: int = 5
    backoff_s: float = 1.0

    connect_timeout_s: float = 10.0
    read_timeout_s: float = 60.0


class RateLimiter:
    """Delays requests to keep the limit; `clock` returns monotonic seconds, `sleep` waits."""

    def __init__(
        self,
        policy: RequestPolicy,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.policy = policy
        self._clock = clock
        self._sleep = sleep
        self._sent: deque[float] = deque(maxlen=policy.requests)

    def acquire(self) -> None:
        """Wait until one more request is within the limit, and count it."""
        if len(self._sent) == self.policy.requests:
            wait_s = self._sent[0] + self.policy.period_s - self._clock()
            if wait_s > 0:
                self._sleep(wait_s)
        self._sent.append(self._clock())

    def wait_out_lockout(self) -> None:
        """Wait until Airtable takes requests again after it has refused all of them."""
        self._sleep(self.policy.lockout_s)

    def back_off(self, failures: int) -> None:
        """Wait after this many failures in a row."""
        self._sleep(self.policy.backoff_s * 2 ** (failures - 1))
