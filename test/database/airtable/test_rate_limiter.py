from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hos_device_layer.database.airtable.rate_limiter import RateLimiter, RequestPolicy
from hos_device_layer.testing.airtable import RequestRateLimit


class VirtualTime:
    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@given(st.lists(st.floats(0, 2), max_size=60), st.lists(st.floats(0, 0.19), min_size=60))
def test_airtable_never_refuses_a_limited_client(gaps: list[float], delays: list[float]) -> None:
    time = VirtualTime()
    limiter = RateLimiter(RequestPolicy(), time.clock, time.sleep)
    arrivals = []
    for gap, delay in zip(gaps, delays):
        time.now += gap
        limiter.acquire()
        arrivals.append(time.now + delay)

    now = iter(sorted(arrivals))
    limit = RequestRateLimit(clock=now.__next__)
    for _ in arrivals:
        limit.admit()


def test_the_first_five_requests_do_not_wait() -> None:
    time = VirtualTime()
    limiter = RateLimiter(RequestPolicy(), time.clock, time.sleep)
    for _ in range(5):
        limiter.acquire()
    assert time.slept == []
    limiter.acquire()
    assert time.slept == [pytest.approx(RequestPolicy().period_s)]


def test_a_lockout_is_waited_out_and_failures_wait_longer_each_time() -> None:
    time = VirtualTime()
    limiter = RateLimiter(RequestPolicy(), time.clock, time.sleep)
    limiter.wait_out_lockout()
    for failures in (1, 2, 3):
        limiter.back_off(failures)
    assert time.slept == [31, 1, 2, 4]
