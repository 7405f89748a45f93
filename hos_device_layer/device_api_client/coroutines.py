"""
Coroutines that executors run as tasks, and that are resumed only when there is something to do.

In Jazzy, executors resume waiting coroutines needlessly: an events executor all the time, which
takes a whole processor core, and the others whenever they wake up. A multi-threaded executor also
keeps something of each time, and becomes slower. With an events executor, an exception in a
coroutine ends the process with a segmentation fault (https://github.com/ros2/rclpy/issues/1641).

After each step of a task, an events executor asks whether the task is `done`, on the same thread.
If it is, it raises the `exception` of the task, otherwise it resumes the task at once. These two
answers are replaced here, once and for that thread only, so that nobody else sees them. The other
executors do not resume a task that is `executing`; that answer is replaced until it is resumed.
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
    else:
        vars(task)['executing'] = lambda: True


def resume(task: Task) -> None:
    """Have the executor continue a waiting task; from any thread."""
    executor = _executor_of(task)
    if executor is not None:
        executor.create_task(_step if _polls(task) else _wake, task)


def _wake(task: Task) -> None:
    if Task.executing(task):
        # Another thread has yet to suspend it, or resumed it for another reason.
        resume(task)
        return
    vars(task).pop('executing', None)
    executor = _executor_of(task)
    if executor is not None:
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
