"""The tasks that wait until the program receives them."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future

from .errors import ClientError
from .message import Task

# Beyond this many waiting tasks a program cannot answer in time; further tasks are refused.
MAX_TASKS = 10_000

_CLOSED = 'the client was stopped'


class Inbox:
    """A queue that gives each task to one receiver; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tasks: deque[Task] = deque()
        self._receivers: deque[Future[Task]] = deque()
        self._is_closed = False

    def put(self, task: Task) -> bool:
        """Add a task; returns False if there is no room."""
        with self._lock:
            if self._hand_over(task):
                return True
            if len(self._tasks) >= MAX_TASKS:
                return False
            self._tasks.append(task)
            return True

    def take(self) -> Future[Task]:
        """
        Return a future of the next task; cancel it to stop waiting.

        It raises ClientError after `close`.
        """
        future: Future[Task] = Future()
        with self._lock:
            if self._is_closed:
                future.set_exception(ClientError(_CLOSED))
            elif self._tasks:
                future.set_result(self._tasks.popleft())
            else:
                self._receivers.append(future)
        return future

    def close(self) -> None:
        """Drop the tasks, and let nobody wait any longer: the client has stopped."""
        with self._lock:
            self._is_closed = True
            self._tasks.clear()
            receivers, self._receivers = self._receivers, deque()
        for receiver in receivers:
            if receiver.set_running_or_notify_cancel():
                receiver.set_exception(ClientError(_CLOSED))

    def give_back(self, future: Future[Task]) -> None:
        """Stop waiting for a future of `take`; its task goes to the next receiver."""
        if future.cancel() or future.cancelled() or future.exception() is not None:
            return
        task = future.result()
        with self._lock:
            if not self._hand_over(task):
                self._tasks.appendleft(task)

    def _hand_over(self, task: Task) -> bool:
        while self._receivers:
            receiver = self._receivers.popleft()
            if receiver.set_running_or_notify_cancel():
                receiver.set_result(task)
                return True
        return False
