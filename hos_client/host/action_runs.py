"""Actions on their way: each runs once and ends once, whatever its driver does."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from .driver import Action

# Ids that are remembered for each device: more than can be on their way at once.
REMEMBERED = 128

Report = Callable[[Any, BaseException | None], object]


class ActionRun:
    """One action and its outcome; the first that ends it decides."""

    # Thousands are remembered: each is small, and nothing is kept that was only needed to run it.
    __slots__ = ('_error', '_is_done', '_lock', '_reports', '_result', 'action', 'deadline')

    def __init__(self, action: Action, deadline: float) -> None:
        self.action = action
        self.deadline = deadline
        self._lock = threading.Lock()
        self._is_done = False
        self._result: Any = None
        self._error: BaseException | None = None
        self._reports: tuple[Report, ...] = ()

    @property
    def is_done(self) -> bool:
        return self._is_done

    @property
    def has_failed(self) -> bool:
        return self._error is not None

    def succeed(self, result: Any) -> bool:
        """End with a result; returns False if it has ended already."""
        return self._end(result, None)

    def fail(self, error: BaseException) -> bool:
        """End with a failure; returns False if it has ended already."""
        return self._end(None, error)

    def when_done(self, report: Report) -> None:
        """Call `report` with the result and the error, at once if the job has ended."""
        with self._lock:
            if not self._is_done:
                self._reports += (report,)
                return
        report(self._result, self._error)

    def _end(self, result: Any, error: BaseException | None) -> bool:
        with self._lock:
            if self._is_done:
                return False
            self._result, self._error, self._is_done = result, error, True
            reports, self._reports = self._reports, ()
        for report in reports:
            report(result, error)
        return True


class RecentRuns:
    """Knows the last jobs of a device by their ids: the same id twice runs once."""

    def __init__(self) -> None:
        self._runs: OrderedDict[int, ActionRun] = OrderedDict()

    def admit(self, action: Action, deadline: float) -> tuple[ActionRun, bool]:
        """Return the job of an action, and whether it is new; a failed one may be tried again."""
        known = self._runs.get(action.id)
        if known is not None and not known.has_failed:
            return known, False
        run = self._runs[action.id] = ActionRun(action, deadline)
        self._runs.move_to_end(action.id)
        if len(self._runs) > REMEMBERED:
            self._runs.popitem(last=False)
        return run, True

    def unfinished(self) -> list[ActionRun]:
        """Return the jobs that have not ended."""
        return [run for run in self._runs.values() if not run.is_done]
