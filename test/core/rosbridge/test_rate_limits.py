from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hos_device_layer.core.rosbridge.rate_limits import TokenBucket


def test_a_burst_is_free_and_then_each_token_has_to_be_waited_for() -> None:
    bucket = TokenBucket(burst=2, per_s=10, now=100.0)
    assert [bucket.take(100.0) for _ in range(2)] == [0.0, 0.0]
    assert [bucket.take(100.0) for _ in range(2)] == pytest.approx([0.1, 0.2])


def test_time_refills_the_bucket_up_to_the_burst() -> None:
    bucket = TokenBucket(burst=2, per_s=10, now=0.0)
    for _ in range(4):
        bucket.take(0.0)
    assert [bucket.take(1e6) for _ in range(2)] == [0.0, 0.0]
    assert bucket.take(1e6) > 0


@given(st.lists(st.floats(0, 2), max_size=100))
def test_a_peer_that_waits_as_told_never_exceeds_the_rate(pauses: list[float]) -> None:
    bucket, now = TokenBucket(burst=3, per_s=10, now=0.0), 0.0
    for taken, pause in enumerate(pauses, 1):
        now += pause
        now += bucket.take(now)
        assert taken <= 3 + now * 10 + 1e-6
