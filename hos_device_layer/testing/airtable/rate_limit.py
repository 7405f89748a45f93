"""Airtable's rate limit: five requests per second and base, then 30 s of refusals."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from .errors import too_many_requests


class RequestRateLimit:
    """https://airtable.com/developers/web/api/rate-limits; `clock` returns monotonic seconds."""

    def __init__(
        self,
        requests: int = 5,
        period_s: float = 1.0,
        lock_out_s: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._period_s = period_s
        self._lock_out_s = lock_out_s
        self._clock = clock
        self._arrivals: deque[float] = deque(maxlen=requests)
        self._locked_until: float | None = None

    def admit(self) -> None:
        """Count a request; raises AirtableApiError if it exceeds the limit."""
        now = self._clock()
        if self._locked_until is not None and now < self._locked_until:
            raise too_many_requests()
        if len(self._arrivals) == self._arrivals.maxlen and (
            now - self._arrivals[0] < self._period_s
        ):
            self._locked_until = now + self._lock_out_s
            raise too_many_requests()
        self._arrivals.append(now)
