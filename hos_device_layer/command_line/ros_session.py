"""A short-lived ROS node for a command."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator

import rclpy
from rclpy.executors import Executor
from rclpy.experimental import EventsExecutor
from rclpy.node import Node

# The longest delay of Ctrl-C [s].
_SPIN_S = 0.1

# Discovery of a running device manager and its answer take less than this [s].
MANAGER_TIMEOUT_S = 5.0

NO_MANAGER = f'no device manager answered within {MANAGER_TIMEOUT_S:g} s; start one with: hos up'


class RosSession:
    """A ROS node that the calling thread spins."""

    def __init__(self, node: Node, executor: Executor) -> None:
        self.node = node
        self._executor = executor

    def spin_until(self, condition: Callable[[], object], timeout_s: float) -> bool:
        """Spin until the condition holds; returns False after `timeout_s`."""
        limit = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > limit:
                return False
            self._executor.spin_once(timeout_sec=_SPIN_S)
        return True

    def spin(self) -> None:
        """Spin until Ctrl-C."""
        with contextlib.suppress(KeyboardInterrupt):
            while True:
                self._executor.spin_once(timeout_sec=_SPIN_S)


@contextlib.contextmanager
def ros_session() -> Iterator[RosSession]:
    """Run a ROS node within the context; several processes may do so at once."""
    rclpy.init(args=[], signal_handler_options=rclpy.SignalHandlerOptions.NO)
    node = Node(f'hos_{os.getpid()}', enable_rosout=False, start_parameter_services=False)
    executor = EventsExecutor()
    executor.add_node(node)
    try:
        yield RosSession(node, executor)
    finally:
        executor.shutdown()
        node.destroy_node()
        rclpy.shutdown()
