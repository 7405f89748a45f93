"""The accepted calls that have no result yet."""

from __future__ import annotations

from collections.abc import Iterator

from ..spec.records import FleetDevice, Function
from ..timestamp import Timestamp
from .deadlines import Deadlines


class RunningTask:
    """An accepted call; `link` is the link through which its command was sent."""

    __slots__ = ('accepted', 'answered', 'device', 'function', 'link', 'started', 'task_id', 'uid')

    def __init__(
        self,
        task_id: int,
        uid: int,
        device: FleetDevice,
        function: Function,
        link: str,
        started: Timestamp,
    ) -> None:
        self.task_id = task_id
        self.uid = uid
        self.device = device
        self.function = function
        self.link = link
        self.started = started
        self.accepted = False
        self.answered = False  # The device has accepted or refused the command.


class RunningTasks:
    """The running tasks, by id; one that has ended is not kept."""

    def __init__(self, accept_timeout_s: float, result_timeout_s: float) -> None:
        self.accept_timeout_s = accept_timeout_s
        self.result_timeout_s = result_timeout_s
        self._tasks: dict[int, RunningTask] = {}
        self._by_uid: dict[int, dict[int, RunningTask]] = {}
        self._running: dict[tuple[int, str], int] = {}
        self._deadlines = Deadlines()

    def __len__(self) -> int:
        return len(self._tasks)

    def __iter__(self) -> Iterator[RunningTask]:
        """Iterate over a copy, so that tasks can be ended during the iteration."""
        return iter(list(self._tasks.values()))

    def __contains__(self, task_id: int) -> bool:
        return task_id in self._tasks

    def get(self, task_id: int) -> RunningTask | None:
        """Return a running task."""
        return self._tasks.get(task_id)

    def of_device(self, uid: int) -> list[RunningTask]:
        """Return the running tasks of a device, the oldest first."""
        return list(self._by_uid.get(uid, {}).values())

    def count(self, uid: int, function_name: str) -> int:
        """Return how many calls of a function run on a device."""
        return self._running.get((uid, function_name), 0)

    def timeout_s(self, function: Function) -> float:
        """Return how long a call of a function may take, from its acceptance to its result [s]."""
        return self.result_timeout_s if function.timeout_s is None else function.timeout_s

    def start(self, task: RunningTask) -> None:
        """Add a task; its device now has to accept the command."""
        self._tasks[task.task_id] = task
        self._by_uid.setdefault(task.uid, {})[task.task_id] = task
        key = task.uid, task.function.name
        self._running[key] = self._running.get(key, 0) + 1
        self._deadlines.set(task.task_id, task.started.steady + self.accept_timeout_s)

    def accept(self, task: RunningTask, now: Timestamp) -> None:
        """Record that the device accepted the command; it now has to finish it."""
        task.accepted = task.answered = True
        self._deadlines.set(task.task_id, now.steady + self.timeout_s(task.function))

    def end(self, task: RunningTask) -> None:
        """Remove a task that has ended."""
        del self._tasks[task.task_id]
        of_device = self._by_uid[task.uid]
        del of_device[task.task_id]
        if not of_device:
            del self._by_uid[task.uid]
        key = task.uid, task.function.name
        running = self._running.pop(key) - 1
        if running:
            self._running[key] = running
        self._deadlines.drop(task.task_id)

    def next_deadline(self) -> float | None:
        """Return a time [s, steady] before which `take_late` returns nothing."""
        return self._deadlines.next()

    def take_late(self, until: float) -> list[RunningTask]:
        """Return the tasks whose limit is not later than `until` [s, steady], earliest first."""
        return [self._tasks[task_id] for task_id in self._deadlines.take_due(until)]
