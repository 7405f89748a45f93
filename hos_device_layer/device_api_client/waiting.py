"""Threads that wait for results, which another thread has to receive."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Any

from rclpy.exceptions import InvalidHandle

from ..core.errors import CallPendingError
from . import limits
from .futures import CallFuture


class Spinner:
    """The thread that spins a node, as far as its callbacks have shown."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None

    def record(self) -> None:
        """Record that the current thread runs a callback of the node."""
        self._thread = threading.current_thread()

    def wait(self, future: CallFuture, timeout_s: float | None, executor: Any) -> bool:
        """
        Block this thread until a future is done; returns False after `timeout_s`.

        Raises CallPendingError if no other thread spins the node with this executor, which is
        None if it has none, or if the thread that did so has ended.
        """
        done = threading.Event()
        future.when_done(done.set)
        deadline = time.monotonic() + (threading.TIMEOUT_MAX if timeout_s is None else timeout_s)
        while not done.is_set():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            limit = min(left, limits.SPINNER_TIMEOUT_S)
            if self._is_another_thread():
                done.wait(limit)
            elif not self._finds_thread(future, limit, executor) and limit < left:
                raise CallPendingError(
                    'no result can arrive while this thread waits: expected another thread to '
                    f'spin the node, found none within {limit:g} s. Spin it in a thread, or use '
                    '`await` or a callback.'
                )
        return True

    def _is_another_thread(self) -> bool:
        thread = self._thread
        return (
            thread is not None and thread is not threading.current_thread() and thread.is_alive()
        )

    def _finds_thread(self, future: CallFuture, timeout_s: float, executor: Any) -> bool:
        found = threading.Event()
        future.when_done(found.set)

        def report() -> None:
            self.record()
            found.set()

        # An executor that was shut down runs nothing.
        with contextlib.suppress(InvalidHandle, AttributeError):
            executor.create_task(report)
        return found.wait(timeout_s)
