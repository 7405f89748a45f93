"""Gives memory back to the system after many connections have ended."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import logging

_log = logging.getLogger(__name__)

# So many connections leave some megabytes behind. Collecting takes about 50 ms, as each full
# collection of Python does, and so does not happen for a few.
_MANY = 500

# When no more connections have ended for this long, the storm is over [s].
QUIET_S = 5.0


class MemoryRelease:
    """
    Counts connections that end, and releases their memory when no more do.

    Python keeps the memory of small objects for others, and the C library that of large ones,
    until a full collection and `malloc_trim(3)`.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ended = 0
        self._last_end = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def ended(self) -> None:
        """Count a connection that has ended."""
        self._ended += 1
        if self._ended >= _MANY:
            self._last_end = self._loop.time()
            if self._timer is None:
                self._timer = self._loop.call_later(QUIET_S, self._check)

    def stop(self) -> None:
        """Release nothing any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _check(self) -> None:
        self._timer = None
        wait = self._last_end + QUIET_S - self._loop.time()
        if wait > 0:
            self._timer = self._loop.call_later(wait, self._check)
            return
        _log.debug('releasing the memory of %d connections', self._ended)
        self._ended = 0
        release()


def release() -> None:
    """Return unused memory to the system, as far as it can be."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), 'malloc_trim', None)
    if trim is not None:  # the GNU C library
        trim(0)
