"""The time of the device manager, in which a pause of the whole process counts little."""

from __future__ import annotations

import time

from .core.timestamp import Timestamp


class ManagerClock:
    """
    A steady clock that `tick` has to be called on every `tick_s`.

    While the process is paused it hears no device, so a pause does not count as silence of the
    devices: of a gap between two ticks longer than `pause_s`, only `tick_s` counts.
    """

    def __init__(self, tick_s: float, pause_s: float) -> None:
        self._tick_s = tick_s
        self._pause_s = pause_s
        self._last_tick_s = time.monotonic()
        self._paused_s = 0.0

    def now(self) -> Timestamp:
        """Return the time."""
        return Timestamp(time.monotonic() - self._paused_s, time.time())

    def tick(self) -> None:
        """Record that the process is running."""
        last, self._last_tick_s = self._last_tick_s, time.monotonic()
        gap = self._last_tick_s - last
        if gap > self._pause_s:
            self._paused_s += gap - self._tick_s
