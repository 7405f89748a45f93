"""Limits on what one peer may use of the gateway."""

from __future__ import annotations

import msgspec

# A longer frame counts as several: decoding it takes as much time.
CHARACTERS_PER_FRAME = 2048

# Of a peer that has not sent its token yet, no longer frame is decoded [characters].
MAX_AUTH_CHARACTERS = 4096


class SessionLimits(msgspec.Struct, frozen=True):
    """Limits for each peer; a peer that reaches one receives a `status` error."""

    # A client program with a whole fleet behind one socket is the largest sensible peer.
    devices: int = 2_000
    subscriptions: int = 1_000
    # Unanswered calls: of the device manager to one device, and of one peer to the manager.
    outstanding_calls: int = 1_000
    # Generous for a developer who experiments; a refusal costs microseconds.
    errors: int = 200
    errors_per_s: float = 2.0
    # Above this rate reading pauses: TCP slows the peer down and nothing is lost.
    frames: int = 4_000
    frames_per_s: float = 4_000.0
    # Pings, pongs and closes: a peer needs one in seconds.
    control_frames: int = 100
    control_frames_per_s: float = 100.0


def frame_cost(text: str) -> float:
    """Return as how many frames a frame counts."""
    return 1.0 + len(text) // CHARACTERS_PER_FRAME


class TokenBucket:
    """Allows `burst` tokens at once and `per_s` over time; `now` [s] refills it."""

    def __init__(self, burst: float, per_s: float, now: float) -> None:
        self._burst = burst
        self._per_s = per_s
        self._left = burst
        self._updated = now

    def take(self, now: float, count: float = 1) -> float:
        """Take tokens; returns how long [s] to wait until they are available, 0 for not at all."""
        self._left = min(self._burst, self._left + (now - self._updated) * self._per_s) - count
        self._updated = now
        return 0.0 if self._left >= 0 else -self._left / self._per_s
