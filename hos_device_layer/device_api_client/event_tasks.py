"""
Coroutines that an events executor runs as tasks.

In Jazzy, this executor resumes a waiting coroutine again and again, which takes a whole processor
core, and an exception in a coroutine ends the process with a segmentation fault
(https://github.com/ros2/rclpy/issues/1641). Other executors do neither.

After each step of a task, the executor asks whether the task is `done`, on the same thread. If it
is, the executor raises its `exception`, otherwise it resumes the task at once. These two answers
are replaced here, once and for that thread only, so that nobody else sees them.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import traceback
from collections.abc import Callable
from types import FrameType
from typing import Any

from rclpy.executors import Executor
from rclpy.task import Task

from ..guarding import ErrorLog

_RUNS_TASK = Task.__call__.__code__
_RUNS_ASYNCIO = asyncio.Handle._run.__code__


def running_task() -> Task | None:
    """Return the task of an rclpy executor that runs the calling coroutine, if one does."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code is not _RUNS_ASYNCIO:
        if frame.f_code is _RUNS_TASK:
            task: Task = frame.f_locals['self']
            return task
        frame = frame.f_back
    return None


def protect(task: Task, log: ErrorLog) -> None:
    """Have the exception that may end a running task logged instead of raised by its executor."""
    if _polls(task):
        _replace(task, 'exception', lambda: _log_exception(task, log), when=Task.done)


def suspend(task: Task) -> None:
    """Keep the executor from resuming the running task, which must yield next, before `resume`."""
    if _polls(task):
        _replace(task, 'done', lambda: True)


def resume(task: Task) -> None:
    """Have the executor continue a waiting task; from any thread."""
    executor = _executor_of(task)
    if executor is not None:
        executor.create_task(_step if _polls(task) else _wake, task)


def _wake(task: Task) -> None:
    """Wake an executor that resumes its waiting coroutines whenever it wakes up."""
    if task.executing():
        # Another thread of the executor has not suspended it yet.
        resume(task)
    elif (executor := _executor_of(task)) is not None:
        executor.wake()


def _polls(task: Task) -> bool:
    # An events executor is written in C++, and its class is no subclass of Executor.
    return not isinstance(_executor_of(task), Executor)


def _executor_of(task: Any) -> Any:
    return task._executor()


def _step(task: Task) -> None:
    """Run a task until it is suspended or done, as the executor would."""
    task()
    if vars(task).pop('done', None) is not None:
        return
    if task.done():
        task.exception()  # may be replaced, see `protect`
    elif not task.cancelled():
        resume(task)


def _replace(
    task: Task,
    method: str,
    answer: Callable[[], object],
    when: Callable[[Task], bool] = lambda _: True,
) -> None:
    thread = threading.get_ident()

    def answer_once() -> object:
        if threading.get_ident() != thread or not when(task):
            return getattr(Task, method)(task)
        vars(task).pop(method, None)
        return answer()

    vars(task)[method] = answer_once


def _log_exception(task: Task, log: ErrorLog) -> None:
    error = Task.exception(task)
    if error is not None:
        log.error(''.join(traceback.format_exception(error)))
