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

# Ctrl-C is noticed within this [s].
_SPIN_S = 0.1

# How long a running device manager may take to be discovered and to answer [s].
MANAGER_PATIENCE_S = 5.0

NO_MANAGER = 'no device manager answers; start one with: hos up'


class RosSession:
    """A node and the executor that spins it on this thread."""

    def __init__(self, node: Node, executor: Executor) -> None:
        self.node = node
        self._executor = executor

    def spin_until(self, condition: Callable[[], object], patience_s: float) -> bool:
        """Spin until the condition holds; returns False if it does not in time."""
        limit = time.monotonic() + patience_s
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
    """Open a session; several may run at once."""
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
