"""Threads for the program's own functions: handlers of commands, and callbacks."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

# More functions than this that run at the same time mean that they do not return.
MAX_THREADS = 1_000

# An idle thread ends after this time [s].
_IDLE_S = 30.0

_T = TypeVar('_T')


class TooManyThreadsError(Exception):
    """All threads are busy."""


class HandlerThreads:
    """
    Runs each function at once, on an idle thread or on a new one.

    A function that does not return holds up no other one, and not the end of the program.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._jobs: deque[Callable[[], None]] = deque()
        self._idle = 0
        self._threads = 0
        self._is_closed = False

    def submit(self, function: Callable[[], _T]) -> Future[_T]:
        """Run a function and return a future of its result; raises TooManyThreadsError."""
        future: Future[_T] = Future()

        def job() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = function()
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)

        with self._changed:
            if self._idle <= len(self._jobs):
                self._add_thread()
            self._jobs.append(job)
            self._changed.notify()
        return future

    def close(self) -> None:
        """End the idle threads; the others end after their function."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _add_thread(self) -> None:
        if self._threads >= MAX_THREADS:
            raise TooManyThreadsError
        thread = threading.Thread(target=self._run, name='hos_client_handler', daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            # The system allows no more threads.
            raise TooManyThreadsError from error
        self._threads += 1

    def _run(self) -> None:
        while (job := self._next_job()) is not None:
            job()

    def _next_job(self) -> Callable[[], None] | None:
        with self._changed:
            self._idle += 1
            self._changed.wait_for(lambda: self._jobs or self._is_closed, _IDLE_S)
            self._idle -= 1
            if not self._jobs:
                self._threads -= 1
                return None
            return self._jobs.popleft()
