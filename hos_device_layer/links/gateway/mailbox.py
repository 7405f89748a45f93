"""Work handed from one thread to another, in batches."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable

Job = Callable[[], object]

CallLater = Callable[[float, Callable[[], None]], object]

_log = logging.getLogger(__name__)

# How many jobs run before the thread can do other work; a batch takes about 5 ms.
_BATCH = 256

# How long a job may wait that nobody waits for [s]: a tenth of what a person notices, and a 400th
# of the time without a ping after which a device times out.
UNHURRIED_S = 0.05


class Mailbox:
    """
    Jobs for a thread, which runs the functions that are passed to `wake`.

    Waking a thread costs more than most jobs, so it is woken once for all jobs that are queued
    when it looks. Jobs run in the order of `put`, which may be called from any thread.
    """

    def __init__(self, wake: Callable[[Callable[[], None]], object]) -> None:
        self._wake = wake
        self._jobs: deque[Job] = deque()
        self._is_woken = False
        self._is_waking = False

    def put(self, job: Job, call_later: CallLater | None = None) -> None:
        """
        Queue a job; if it raises, that is logged and the next one runs.

        With `call_later`, the one of the caller's event loop, the job may wait up to `UNHURRIED_S`
        for others, to be run with them. It must be the same loop each time.
        """
        self._jobs.append(job)
        # Set before `_run` takes the jobs: a job that finds it set is seen there.
        if self._is_woken:
            return
        if call_later is None:
            self._is_woken = True
            self._wake(self._run)
        elif not self._is_waking:
            self._is_waking = True
            call_later(UNHURRIED_S, self._wake_for_unhurried)

    def _wake_for_unhurried(self) -> None:
        self._is_waking = False
        if self._jobs and not self._is_woken:
            self._is_woken = True
            self._wake(self._run)

    def _run(self) -> None:
        self._is_woken = False
        for _ in range(_BATCH):
            try:
                job = self._jobs.popleft()
            except IndexError:
                return
            try:
                job()
            except Exception:
                # An error in handling one frame must not disconnect all devices.
                _log.exception('a job of the gateway failed')
        if self._jobs and not self._is_woken:
            self._is_woken = True
            self._wake(self._run)
