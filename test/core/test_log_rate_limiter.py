from hypothesis import given
from hypothesis import strategies as st

from hos_device_layer.core.log_rate_limiter import LogRateLimiter


def test_the_limit_applies_to_each_second():
    budget = LogRateLimiter(2)
    assert [budget.admit(5.0), budget.admit(5.4), budget.admit(5.9)] == [True, True, False]
    assert [budget.admit(6.0), budget.admit(6.0), budget.admit(6.99)] == [True, True, False]


def test_suppressed_lines_are_counted_once():
    budget = LogRateLimiter(1)
    for _ in range(4):
        budget.admit(0.5)
    assert budget.take_withheld() == 3
    assert budget.take_withheld() == 0


@given(st.integers(0, 5), st.lists(st.floats(0, 10), max_size=100))
def test_every_line_is_written_or_counted(lines, times):
    budget = LogRateLimiter(lines)
    written = [int(time) for time in sorted(times) if budget.admit(time)]
    assert all(written.count(second) <= lines for second in written)
    assert len(written) + budget.take_withheld() == len(times)
