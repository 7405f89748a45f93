from __future__ import annotations

from types import SimpleNamespace

import pytest

from hos_device_layer import manager_clock
from hos_device_layer.manager_clock import ManagerClock

EPOCH = 1_700_000_000.0


class Time:
    """The module `time`, as far as the clock uses it; a test sets it."""

    def __init__(self) -> None:
        self.steady = 100.0

    def monotonic(self) -> float:
        return self.steady

    def time(self) -> float:
        return EPOCH + self.steady


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    fake = SimpleNamespace(monotonic=time.monotonic, time=time.time)
    monkeypatch.setattr(manager_clock, 'time', fake)
    return time


@pytest.fixture
def clock(time: Time) -> ManagerClock:
    return ManagerClock(tick_s=0.05, pause_s=0.2)


def test_the_clock_follows_the_steady_clock_while_it_ticks(
    time: Time, clock: ManagerClock
) -> None:
    for _ in range(100):
        time.steady += 0.05
        clock.tick()
    assert clock.now() == pytest.approx((105.0, EPOCH + 105.0))


def test_the_clock_advances_between_ticks(time: Time, clock: ManagerClock) -> None:
    time.steady += 0.15
    assert clock.now().steady == pytest.approx(100.15)


def test_a_late_tick_is_not_a_pause(time: Time, clock: ManagerClock) -> None:
    time.steady += 0.19
    clock.tick()
    assert clock.now().steady == pytest.approx(100.19)


def test_a_pause_of_the_process_counts_as_one_tick(time: Time, clock: ManagerClock) -> None:
    time.steady += 3600.0
    clock.tick()
    assert clock.now().steady == pytest.approx(100.05)
    time.steady += 0.05
    clock.tick()
    assert clock.now().steady == pytest.approx(100.1)


def test_the_time_of_day_does_not_lose_a_pause(time: Time, clock: ManagerClock) -> None:
    time.steady += 3600.0
    clock.tick()
    assert clock.now().epoch == EPOCH + 3700.0


def test_pauses_add_up(time: Time, clock: ManagerClock) -> None:
    for _ in range(3):
        time.steady += 10.0
        clock.tick()
    assert clock.now().steady == pytest.approx(100.15)
