"""What one peer may use of the gateway."""

from __future__ import annotations

import msgspec


class SessionLimits(msgspec.Struct, frozen=True):
    """Bounds for each peer; a peer that runs into one learns so by a `status` error."""

    # A client program with a whole fleet behind one socket is the largest sensible peer.
    devices: int = 2_000
    subscriptions: int = 1_000
    # Calls of the manager to one device, and of one peer to the manager, not answered yet.
    outstanding_calls: int = 1_000
    # Generous for a developer who tries things out, cheap for us: a refusal takes microseconds.
    errors: int = 200
    errors_per_s: float = 2.0
    # Above this, reading pauses: the peer is slowed down by TCP and nothing is lost.
    frames: int = 4_000
    frames_per_s: float = 4_000.0


class TokenBucket:
    """Allows `burst` things at once and `per_s` over time; refills as `now` [s] goes on."""

    def __init__(self, burst: float, per_s: float, now: float) -> None:
        self._burst = burst
        self._per_s = per_s
        self._left = burst
        self._updated = now

    def take(self, now: float) -> float:
        """Take one; returns how long [s] to wait until it is due, 0 if it is there already."""
        self._left = min(self._burst, self._left + (now - self._updated) * self._per_s) - 1
        self._updated = now
        return 0.0 if self._left >= 0 else -self._left / self._per_s
