"""The device manager's clock: a pause of the whole process hardly advances it."""

from __future__ import annotations

import time

from .core.timestamp import Timestamp


class ManagerClock:
    """
    A steady clock; `tick` must be called every `tick_s`.

    A paused process cannot receive pings, so a pause must not count as silence of the devices: if
    the time between two ticks is longer than `pause_s`, the clock advances by `tick_s` only.
    """

    def __init__(self, tick_s: float, pause_s: float) -> None:
        self._tick_s = tick_s
        self._pause_s = pause_s
        self._last_tick_s = time.monotonic()
        self._paused_s = 0.0

    def now(self) -> Timestamp:
        """Return the current time."""
        return Timestamp(time.monotonic() - self._paused_s, time.time())

    def tick(self) -> None:
        """Record that the process is running."""
        last, self._last_tick_s = self._last_tick_s, time.monotonic()
        gap = self._last_tick_s - last
        if gap > self._pause_s:
            self._paused_s += gap - self._tick_s
