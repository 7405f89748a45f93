"""Work handed from one thread to another, in batches."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

Job = Callable[[], object]

CallLater = Callable[[float, Callable[[], None]], object]

_log = logging.getLogger(__name__)

# How many jobs run before the thread can do other work, such as the calls of ROS nodes: a batch
# takes up to a few milliseconds.
_BATCH = 64

# One job of so many is not one that runs first, if there are others.
_EVERY = 4

# How long a job may wait that nobody waits for [s]: a tenth of what a person notices, and a 400th
# of the time without a ping after which a device times out.
UNHURRIED_S = 0.05


class Urgency(NamedTuple):
    """
    When a job runs; `done` is called afterwards, on the same thread.

    With `is_first` it runs before the others, but a quarter of the jobs are others. With
    `call_later`, the one of the caller's event loop, it may wait up to `UNHURRIED_S` for others,
    to be run with them; it must be the same loop each time.
    """

    call_later: CallLater | None = None
    is_first: bool = False
    done: Callable[[], object] | None = None


NORMAL = Urgency()

_Queued = tuple[Job, 'Callable[[], object] | None']


class Mailbox:
    """
    Jobs for a thread, which runs the functions that are passed to `wake`.

    Waking a thread costs more than most jobs, so it is woken once for all jobs that are queued
    when it looks. Jobs run in the order of `put`, which may be called from any thread, except
    those that run first.
    """

    def __init__(self, wake: Callable[[Callable[[], None]], object]) -> None:
        self._wake = wake
        self._jobs: deque[_Queued] = deque()
        self._first_jobs: deque[_Queued] = deque()
        self._is_woken = False
        self._is_waking = False

    def put(self, job: Job, urgency: Urgency = NORMAL) -> None:
        """Queue a job; if it raises, that is logged and the next one runs."""
        (self._first_jobs if urgency.is_first else self._jobs).append((job, urgency.done))
        # Set before `_run` takes the jobs: a job that finds it set is seen there.
        if self._is_woken:
            return
        if urgency.call_later is None:
            self._is_woken = True
            self._wake(self._run)
        elif not self._is_waking:
            self._is_waking = True
            urgency.call_later(UNHURRIED_S, self._wake_for_unhurried)

    def _wake_for_unhurried(self) -> None:
        self._is_waking = False
        self._wake_for_rest()

    def _run(self) -> None:
        self._is_woken = False
        for number in range(_BATCH):
            queued = self._next_job(number)
            if queued is None:
                return
            job, done = queued
            try:
                job()
            except Exception:
                # An error in handling one frame must not disconnect all devices.
                _log.exception('a job of the gateway failed')
            if done is not None:
                done()
        self._wake_for_rest()

    def _next_job(self, number: int) -> _Queued | None:
        queues = [self._first_jobs, self._jobs]
        if number % _EVERY == _EVERY - 1:
            queues.reverse()
        for queue in queues:
            if queue:
                return queue.popleft()
        return None

    def _wake_for_rest(self) -> None:
        if (self._jobs or self._first_jobs) and not self._is_woken:
            self._is_woken = True
            self._wake(self._run)
