"""Runs of actions: each starts at most once and ends exactly once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from .driver import Action

# Runs remembered for each device: more than can be unfinished at once.
REMEMBERED = 128

# Called with the result and the error of a run.
OnDone = Callable[[Any, BaseException | None], object]


class ActionRun:
    """One action and its outcome; only the first outcome counts."""

    # Thousands are remembered, so each is kept small.
    __slots__ = ('_callbacks', '_error', '_is_done', '_lock', '_result', 'action', 'deadline')

    def __init__(self, action: Action, deadline: float) -> None:
        self.action = action
        self.deadline = deadline
        self._lock = threading.Lock()
        self._is_done = False
        self._result: Any = None
        self._error: BaseException | None = None
        self._callbacks: tuple[OnDone, ...] = ()

    @property
    def is_done(self) -> bool:
        """Whether the run has ended."""
        return self._is_done

    @property
    def has_failed(self) -> bool:
        """Whether the run has ended with an error."""
        return self._error is not None

    def succeed(self, result: Any) -> bool:
        """End with a result; returns False if the run has already ended."""
        return self._end(result, None)

    def fail(self, error: BaseException) -> bool:
        """End with an error; returns False if the run has already ended."""
        return self._end(None, error)

    def when_done(self, callback: OnDone) -> None:
        """Call `callback` with the result and the error, at once if the run has ended."""
        with self._lock:
            if not self._is_done:
                self._callbacks += (callback,)
                return
        callback(self._result, self._error)

    def _end(self, result: Any, error: BaseException | None) -> bool:
        with self._lock:
            if self._is_done:
                return False
            self._result, self._error, self._is_done = result, error, True
            callbacks, self._callbacks = self._callbacks, ()
        for callback in callbacks:
            callback(result, error)
        return True


class RecentRuns:
    """The latest runs of a device by action id; an action that comes twice runs once."""

    def __init__(self) -> None:
        self._runs: OrderedDict[int, ActionRun] = OrderedDict()

    def admit(self, action: Action, deadline: float) -> tuple[ActionRun, bool]:
        """Return the run of an action, and whether it is new; a failed action runs again."""
        known = self._runs.get(action.id)
        if known is not None and not known.has_failed:
            return known, False
        run = self._runs[action.id] = ActionRun(action, deadline)
        self._runs.move_to_end(action.id)
        if len(self._runs) > REMEMBERED:
            self._runs.popitem(last=False)
        return run, True

    def unfinished(self) -> list[ActionRun]:
        """Return the runs that have not ended."""
        return [run for run in self._runs.values() if not run.is_done]
