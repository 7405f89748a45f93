"""Wrap callbacks so that exceptions are logged, not raised."""

from __future__ import annotations

import functools
import inspect
import traceback
from collections.abc import Callable
from typing import Any, Protocol

from rclpy.node import Node


class ErrorLog(Protocol):
    """What exceptions are logged to, such as the logger of a node."""

    def error(self, message: str) -> object: ...


def guarded(node: Node, callback: Callable[..., object]) -> Callable[..., Any]:
    """
    Return a callback that calls the given one and logs its exceptions to the node's logger.

    Required for every callback that an events executor runs as a task: done callbacks of futures,
    events of publishers and subscriptions, `create_task`. In Jazzy, an exception in such a task
    ends the process with a segmentation fault (https://github.com/ros2/rclpy/issues/1641). An
    exception in a timer, subscription or service callback is raised by `spin_once` instead.
    """
    return logging_exceptions(node.get_logger(), callback)


def logging_exceptions(log: ErrorLog, callback: Callable[..., object]) -> Callable[..., Any]:
    """Return a callback that logs the exceptions of the given one; a coroutine stays one."""
    if inspect.iscoroutinefunction(callback):

        @functools.wraps(callback)
        async def run(*arguments: Any) -> None:
            try:
                await callback(*arguments)
            except Exception:
                log.error(traceback.format_exc())

        return run

    @functools.wraps(callback)
    def call(*arguments: Any) -> None:
        try:
            callback(*arguments)
        except Exception:
            log.error(traceback.format_exc())

    return call
