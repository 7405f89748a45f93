"""Threads that wait for results, which another thread has to receive."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any

from rclpy.exceptions import InvalidHandle

from ..core.errors import CallPendingError
from . import limits
from .futures import CallFuture


class Spinner:
    """The thread that spins a node, as far as its callbacks have shown."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        # When it ran the last callback [s, monotonic]; while calls are pending, a timer runs.
        self._seen_at = 0.0

    def record(self) -> None:
        """Record that the current thread runs a callback of the node."""
        self._thread = threading.current_thread()
        self._seen_at = time.monotonic()

    def wait(
        self, future: CallFuture, timeout_s: float | None, executor: Callable[[], Any]
    ) -> bool:
        """
        Block this thread until a future is done; returns False after `timeout_s`.

        Raises CallPendingError if no other thread spins the node, or the one that did has ended
        or does so no more. `executor` returns the executor of the node, or None.
        """
        done = threading.Event()
        future.when_done(done.set)
        deadline = time.monotonic() + (threading.TIMEOUT_MAX if timeout_s is None else timeout_s)
        while not done.is_set():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            limit = min(left, limits.SPINNER_TIMEOUT_S)
            current = executor()
            if self._is_another_thread(can_be_busy=current is not None):
                done.wait(limit)
            elif not self._finds_thread(future, limit, current) and limit < left:
                raise CallPendingError(
                    'no result can arrive while this thread waits: expected another thread to '
                    f'spin the node, found none within {limit:g} s. Spin it in a thread, or use '
                    '`await` or a callback.'
                )
        return True

    def _is_another_thread(self, can_be_busy: bool) -> bool:
        thread = self._thread
        if thread is None or thread is threading.current_thread() or not thread.is_alive():
            return False
        silence_s = limits.SPINNER_SILENCE_S if can_be_busy else limits.SPINNER_TIMEOUT_S
        return time.monotonic() - self._seen_at < silence_s

    def _finds_thread(self, future: CallFuture, timeout_s: float, executor: Any) -> bool:
        began = time.monotonic()
        found = threading.Event()
        future.when_done(found.set)

        def report() -> None:
            self.record()
            found.set()

        # An executor that was shut down runs nothing.
        with contextlib.suppress(InvalidHandle, AttributeError):
            executor.create_task(report)
        return found.wait(timeout_s) or self._seen_at >= began
