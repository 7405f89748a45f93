"""Actions on their way: each runs once and ends once, whatever its driver does."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from typing import Any

from .driver import Action

# Ids that are remembered for each device: more than can be on their way at once.
REMEMBERED = 256


class Job:
    """One action and its outcome; the first that ends it decides."""

    def __init__(self, action: Action, deadline: float) -> None:
        self.action = action
        self.deadline = deadline
        self._outcome: Future[Any] = Future()

    @property
    def is_done(self) -> bool:
        return self._outcome.done()

    @property
    def has_failed(self) -> bool:
        return self.is_done and self._outcome.exception() is not None

    def succeed(self, result: Any) -> bool:
        """End with a result; returns False if it has ended already."""
        return self._end(lambda: self._outcome.set_result(result))

    def fail(self, error: BaseException) -> bool:
        """End with a failure; returns False if it has ended already."""
        return self._end(lambda: self._outcome.set_exception(error))

    def when_done(self, report: Callable[[Any, BaseException | None], object]) -> None:
        """Call `report` with the result and the error, at once if the job has ended."""

        def tell(outcome: Future[Any]) -> None:
            error = outcome.exception()
            report(outcome.result() if error is None else None, error)

        self._outcome.add_done_callback(tell)

    @staticmethod
    def _end(end: Callable[[], None]) -> bool:
        try:
            end()
        except InvalidStateError:
            return False
        return True


class JobMemory:
    """Knows the last jobs of a device by their ids: the same id twice runs once."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[int, Job] = OrderedDict()

    def admit(self, action: Action, deadline: float) -> tuple[Job, bool]:
        """Return the job of an action, and whether it is new; a failed one may be tried again."""
        known = self._jobs.get(action.id)
        if known is not None and not known.has_failed:
            return known, False
        job = self._jobs[action.id] = Job(action, deadline)
        self._jobs.move_to_end(action.id)
        if len(self._jobs) > REMEMBERED:
            self._jobs.popitem(last=False)
        return job, True

    def unfinished(self) -> list[Job]:
        """Return the jobs that have not ended."""
        return [job for job in self._jobs.values() if not job.is_done]
