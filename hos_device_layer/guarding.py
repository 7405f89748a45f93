"""Callbacks whose mistakes stay with them."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from rclpy.node import Node


def guarded(node: Node, callback: Callable[..., object]) -> Callable[..., None]:
    """
    Return a callback that logs what the given one raises.

    Needed for all that an events executor runs as a task: done callbacks of futures, events of
    publishers and subscriptions, `create_task`. In Jazzy an exception there ends the process with
    a segmentation fault, https://github.com/ros2/rclpy/issues/1641; in timers, subscriptions and
    services it comes out of `spin_once`.
    """

    def call(*arguments: Any) -> None:
        try:
            callback(*arguments)
        except Exception:
            node.get_logger().error(traceback.format_exc())

    return call
