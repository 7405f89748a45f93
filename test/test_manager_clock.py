from __future__ import annotations

from types import SimpleNamespace

import pytest

from hos_device_layer import manager_clock
from hos_device_layer.manager_clock import ManagerClock

EPOCH = 1_700_000_000.0
START = 100.0
TICK_S = 1 / 16  # exact in binary, as are the durations of the tests


class Time:
    """The module `time`, as far as the clock uses it; a test sets it."""

    def __init__(self) -> None:
        self.steady = START

    def monotonic(self) -> float:
        return self.steady

    def time(self) -> float:
        return EPOCH + self.steady


class TickingClock:
    """A manager's clock that ticks whenever its process runs."""

    def __init__(self, time: Time) -> None:
        self.time = time
        self.clock = ManagerClock(TICK_S)

    def run(self, duration_s: float) -> None:
        for _ in range(round(duration_s / TICK_S)):
            self.time.steady += TICK_S
            assert self.clock.tick() == 0

    def stall(self, duration_s: float) -> float:
        self.time.steady += duration_s
        return self.clock.tick()

    def lag_s(self) -> float:
        return self.time.steady - self.clock.horizon()


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> TickingClock:
    time = Time()
    fake = SimpleNamespace(monotonic=time.monotonic, time=time.time)
    monkeypatch.setattr(manager_clock, 'time', fake)
    return TickingClock(time)


def test_everything_is_handled_while_the_clock_ticks(ticking: TickingClock) -> None:
    ticking.run(5.0)
    assert ticking.clock.now() == (START + 5.0, EPOCH + START + 5.0)
    assert ticking.lag_s() == 0


def test_a_late_tick_is_no_stall(ticking: TickingClock) -> None:
    assert ticking.stall(0.1875) == 0
    assert ticking.lag_s() == 0


def test_time_never_stops(ticking: TickingClock) -> None:
    ticking.stall(3600.0)
    assert ticking.clock.now() == (START + 3600.0, EPOCH + START + 3600.0)


def test_what_arrived_during_a_stall_is_handled_before_its_deadlines(
    ticking: TickingClock,
) -> None:
    ticking.run(1.0)
    assert ticking.stall(0.5) == 0
    assert ticking.clock.horizon() == START + 1.0
    ticking.run(0.125)
    assert ticking.clock.horizon() == START + 1.0
    ticking.run(TICK_S)
    assert ticking.lag_s() == 0


def test_after_a_pause_there_is_time_for_messages_to_be_sent_again(ticking: TickingClock) -> None:
    assert ticking.stall(10.0) == 10.0
    ticking.run(3.4375)
    assert ticking.clock.horizon() == START
    ticking.run(TICK_S)
    assert ticking.lag_s() == 0


def test_stalls_during_the_time_after_a_pause_do_not_end_it(ticking: TickingClock) -> None:
    ticking.stall(10.0)
    ticking.run(1.0)
    ticking.stall(0.5)
    ticking.run(1.0)
    assert ticking.clock.horizon() == START


def test_a_process_that_always_stutters_is_late_by_a_bounded_time(ticking: TickingClock) -> None:
    for _ in range(200):
        ticking.stall(0.3125)
        ticking.run(0.125)
        assert ticking.lag_s() <= 0.9


def test_a_process_that_is_paused_again_and_again_is_late_by_a_bounded_time(
    ticking: TickingClock,
) -> None:
    for _ in range(200):
        assert ticking.stall(1.25) == 1.25
        ticking.run(0.125)
        assert ticking.lag_s() <= 3.5 + 2 * 1.375
