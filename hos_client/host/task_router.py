"""Routes tasks to the supervisors of their devices, and expires overdue tasks."""

from __future__ import annotations

import functools
import itertools
import threading
import time
from collections.abc import Mapping

from hos_device_layer.core.dispatch.deadlines import Deadlines

from ..client import Client
from ..message import Task
from .action_runs import ActionRun
from .driver import Action
from .errors import ActionError
from .platform import Platform
from .supervisor import Supervisor

# The timeout of a function without timeout_s [s]; equals the default of the device manager.
DEFAULT_TIMEOUT_S = 60.0

# Fractions of a function's timeout after which its driver should have finished and after which
# its task is expired, so that the device manager gets the reason before its own timeout.
DRIVER_FRACTION = 0.85
EXPIRY_FRACTION = 0.95


class TaskRouter:
    """Receives tasks on the client's thread; expires overdue ones on its own thread."""

    def __init__(self, client: Client, platform: Platform) -> None:
        self._platform = platform
        # The host's thread replaces these mappings; they are never modified.
        self.supervisors: Mapping[int, Supervisor] = {}
        self.timeouts: Mapping[str, float] = {}
        self._running: dict[int, tuple[Supervisor, ActionRun]] = {}
        self._deadlines = Deadlines()
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._is_stopping = False
        self._thread = threading.Thread(target=self._watch, name='task timeouts', daemon=True)
        client.receive_with(self._route)

    def start(self) -> None:
        """Start the thread that expires tasks."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify()
        self._thread.join()

    def _route(self, task: Task) -> bool:
        supervisor = self.supervisors.get(task.uid)
        if supervisor is None:
            device = task.device.id if task.device else f'uid {task.uid}'
            reason = f'{device} is not plugged in, or is being reopened; try again'
            self._platform.answer(task, None, ActionError(reason))
            return True
        now = time.monotonic()
        time_s = self.timeouts.get(task.function_name, DEFAULT_TIMEOUT_S)
        run = supervisor.put(
            _action(task, time_s * DRIVER_FRACTION), now + time_s * DRIVER_FRACTION
        )
        run.when_done(functools.partial(self._platform.answer, task))
        if not run.is_done:
            self._watch_run(now + time_s * EXPIRY_FRACTION, supervisor, run)
        return True

    def _watch_run(self, deadline: float, supervisor: Supervisor, run: ActionRun) -> None:
        number = next(self._numbers)
        with self._changed:
            first = self._deadlines.next()
            self._running[number] = supervisor, run
            self._deadlines.set(number, deadline)
            if first is None or deadline < first:
                self._changed.notify()
        run.when_done(lambda *_: self._forget(number))

    def _forget(self, number: int) -> None:
        with self._changed:
            self._running.pop(number, None)
            self._deadlines.drop(number)

    def _watch(self) -> None:
        while (overdue := self._wait_for_overdue()) is not None:
            for supervisor, run in overdue:
                if not run.is_done:
                    supervisor.expire(run)

    def _wait_for_overdue(self) -> list[tuple[Supervisor, ActionRun]] | None:
        """Wait for overdue runs and return them; None when the router stops."""
        with self._changed:
            while not self._is_stopping:
                now = time.monotonic()
                if due := self._deadlines.take_due(now):
                    return [self._running.pop(number) for number in due]
                deadline = self._deadlines.next()
                self._changed.wait(None if deadline is None else deadline - now)
        return None


def _action(task: Task, timeout_s: float) -> Action:
    if isinstance(task.data, str):
        return Action(task.cmd_id, task.function_name, text=task.data, timeout_s=timeout_s)
    return Action(task.cmd_id, task.function_name, task.data, timeout_s=timeout_s)
