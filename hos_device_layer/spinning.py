"""Run a node as a program until it receives SIGINT or SIGTERM."""

from __future__ import annotations

import gc
import signal
import sys
import traceback
from collections.abc import Callable
from typing import TypeVar

import rclpy
from rclpy.executors import Executor
from rclpy.experimental import EventsExecutor
from rclpy.node import Node

from .core.errors import HosError, NamespaceTakenError
from .exit_signals import collect_signals, ignore_signals
from .parent_process import end_with_parent
from .ros_startup import creating_node, start_ros

# The events executor busy-loops without a timeout; signals are checked after each timeout [s].
_SPIN_S = 0.25

_CANNOT_SERVE = 1
_BAD_USAGE = 2

# A program that is still ending after this time is killed; 1,000 devices take 3 s [s].
END_TIMEOUT_S = 20

N = TypeVar('N', bound=Node)


def run_node(
    name: str,
    create: Callable[[], N],
    arguments: list[str] | None = None,
    at_end: Callable[[N], object] = lambda _: None,
    why_end: Callable[[N], HosError | None] = lambda _: None,
) -> int:
    """
    Run a node as a program until SIGINT or SIGTERM; must be called on the main thread.

    Returns the exit code: 0, or with an error on stderr 1 if another device manager serves the
    namespace, 2 if the arguments, or files that they name, are not valid. `why_end` is called
    often; the node ends when it returns an error. `at_end` is called before ROS shuts down and can
    still publish.
    """
    signals = collect_signals()
    end_with_parent()
    try:
        # Without rclpy's own handlers: they would shut down ROS before `at_end` can publish.
        start_ros(arguments)
        with creating_node():
            node = create()
    except HosError as error:
        return _refuse(name, error)
    # Everything created so far lives until the end. If the garbage collector scanned it again and
    # again, each scan would delay all devices, by tens of milliseconds with a large specification.
    gc.collect()
    gc.freeze()
    _spin(node, lambda: signals or why_end(node))
    # Fast DDS can block for ever, for example on shared memory that a killed process left behind.
    # Python handles no signal then, but the default action of SIGALRM ends the process.
    signal.alarm(END_TIMEOUT_S)
    at_end(node)
    reason = None if signals else why_end(node)
    code = 0 if reason is None else _refuse(name, reason)
    rclpy.shutdown()
    ignore_signals()
    return code


def _refuse(name: str, reason: HosError) -> int:
    print(f'{name}: {reason}', file=sys.stderr, flush=True)  # noqa: T201
    return _CANNOT_SERVE if isinstance(reason, NamespaceTakenError) else _BAD_USAGE


def _spin(node: Node, has_to_end: Callable[[], object]) -> None:
    executor: Executor = EventsExecutor()
    executor.add_node(node)
    while not has_to_end():
        try:
            executor.spin_once(timeout_sec=_SPIN_S)
        except Exception:
            # An exception in one callback must not disconnect all other devices.
            node.get_logger().error(traceback.format_exc())
    executor.remove_node(node)
