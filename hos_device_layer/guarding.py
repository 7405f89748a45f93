"""Wrap callbacks so that exceptions are logged, not raised."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from rclpy.node import Node


def guarded(node: Node, callback: Callable[..., object]) -> Callable[..., None]:
    """
    Return a callback that calls the given one and logs its exceptions.

    Required for every callback that an events executor runs as a task: done callbacks of futures,
    events of publishers and subscriptions, `create_task`. In Jazzy, an exception in such a task
    ends the process with a segmentation fault (https://github.com/ros2/rclpy/issues/1641). An
    exception in a timer, subscription or service callback is raised by `spin_once` instead.
    """

    def call(*arguments: Any) -> None:
        try:
            callback(*arguments)
        except Exception:
            node.get_logger().error(traceback.format_exc())

    return call
