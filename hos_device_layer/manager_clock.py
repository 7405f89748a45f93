"""The device manager's clock, which knows how much of what has arrived is handled."""

from __future__ import annotations

import time

from .core.timestamp import Timestamp

# A process that runs late is a little later than this between two ticks, when it is busy [s].
_STALL_S = 0.2

# Pings that arrive during a longer stall overrun the buffers and are lost [s].
_PAUSE_S = 1.0

# How much running time it takes to handle what has arrived during a stall [s]. After a pause DDS
# resends reliable messages that have overrun the buffers, on its heartbeats, every 3 s.
_CATCH_UP_S = 0.2
_CATCH_UP_AFTER_PAUSE_S = 3.5


class ManagerClock:
    """
    A steady clock that never runs slower than time; `tick` must be called every `tick_s`.

    If the process stalls, because it was stopped or the machine is busy, messages wait to be
    handled. Until they are, `horizon` stays at the time before the stall: a deadline later than
    that must not be judged, because what meets it may be among these messages.
    """

    def __init__(self, tick_s: float) -> None:
        self._tick_s = tick_s
        self._ticks = 0
        self._last_tick_s = time.monotonic()
        # The time before each stall, and the tick at which what arrived during it is handled.
        self._stalls: list[tuple[float, int]] = []

    def now(self) -> Timestamp:
        """Return the current time."""
        return Timestamp(time.monotonic(), time.time())

    def tick(self) -> float:
        """Record that the process is running; returns the length of the pause that it ends [s]."""
        self._ticks += 1
        before, self._last_tick_s = self._last_tick_s, time.monotonic()
        gap_s = self._last_tick_s - before
        self._stalls = [stall for stall in self._stalls if stall[1] > self._ticks]
        if gap_s <= _STALL_S:
            return 0.0
        is_pause = gap_s > _PAUSE_S
        catch_up_s = _CATCH_UP_AFTER_PAUSE_S if is_pause else _CATCH_UP_S
        self._stalls.append((before, self._ticks + round(catch_up_s / self._tick_s)))
        return gap_s if is_pause else 0.0

    def horizon(self) -> float:
        """Return the time [s, steady] until which everything that has arrived is handled."""
        # The stalls are in the order of time; a pause may take longer to catch up with than the
        # stalls after it.
        return self._stalls[0][0] if self._stalls else self._last_tick_s
