"""The device manager's clock, which knows how much of what has arrived is handled."""

from __future__ import annotations

import time
from typing import NamedTuple

from .core.timestamp import Timestamp

# A process that runs late is a little later than this between two ticks, when it is busy [s].
_STALL_S = 0.2

# Pings that arrive during a longer stall overrun the buffers and are lost [s].
_PAUSE_S = 1.0

# How much running time it takes to handle what has arrived during a stall [s].
_CATCH_UP_S = 0.2

# After a pause DDS resends reliable messages that have overrun the buffers, with its heartbeats,
# every 3 s [s].
_RESENT_S = 3.5


class _Stall(NamedTuple):
    """When a stall began, and the tick and time at which what arrived during it is handled."""

    began_s: float
    until_tick: int
    until_s: float


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
        self._stalls: list[_Stall] = []

    def begin(self) -> None:
        """Forget the time before; to be called when the process begins to tick."""
        self._last_tick_s = time.monotonic()

    def now(self) -> Timestamp:
        """Return the current time."""
        return Timestamp(time.monotonic(), time.time())

    def tick(self) -> float:
        """Record that the process is running; returns the length of the pause that it ends [s]."""
        self._ticks += 1
        before, self._last_tick_s = self._last_tick_s, time.monotonic()
        gap_s = self._last_tick_s - before
        self._stalls = [stall for stall in self._stalls if not self._is_handled(stall)]
        if gap_s <= _STALL_S:
            return 0.0
        is_pause = gap_s > _PAUSE_S
        until_tick = self._ticks + round(_CATCH_UP_S / self._tick_s)
        until_s = self._last_tick_s + (_RESENT_S if is_pause else 0.0)
        self._stalls.append(_Stall(before, until_tick, until_s))
        return gap_s if is_pause else 0.0

    def _is_handled(self, stall: _Stall) -> bool:
        return self._ticks >= stall.until_tick and self._last_tick_s >= stall.until_s

    def horizon(self) -> float:
        """Return the time [s, steady] until which everything that has arrived is handled."""
        # The stalls are in the order of time; a pause may take longer to catch up with than the
        # stalls after it.
        return self._stalls[0].began_s if self._stalls else self._last_tick_s
