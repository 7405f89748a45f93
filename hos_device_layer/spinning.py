"""Running a node until somebody ends the program."""

from __future__ import annotations

import gc
import signal
import sys
import traceback
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

import rclpy
from rclpy.executors import Executor
from rclpy.experimental import EventsExecutor
from rclpy.node import Node

from .core.errors import HosError

# Without a timeout the events executor spins hot; a signal is noticed when it returns [s].
_SPIN_S = 0.25

_BAD_USAGE = 2

_ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM)

N = TypeVar('N', bound=Node)


def run_node(
    name: str,
    create: Callable[[], N],
    arguments: list[str] | None = None,
    at_end: Callable[[N], object] = lambda _: None,
) -> int:
    """
    Run a node as a program until SIGINT or SIGTERM; to be called on the main thread.

    Returns the exit code: 0, or 2 with a sentence on stderr where the arguments, or what they
    name, cannot be used. `at_end` can still publish.
    """
    signals = _catch_signals()
    try:
        # rclpy's own handlers would shut the context down before a last message is published.
        rclpy.init(args=arguments, signal_handler_options=rclpy.SignalHandlerOptions.NO)
    except RuntimeError as error:
        return _refuse(name, f'the ROS arguments cannot be used: {error}')
    try:
        node = create()
    except HosError as error:
        return _refuse(name, str(error))
    # What has been made by now stays: looking through it for garbage, again and again, would hold
    # all devices up, for tens of milliseconds with a large specification.
    gc.collect()
    gc.freeze()
    _spin(node, signals)
    at_end(node)
    rclpy.shutdown()
    # Until Python has ended: it would give a second Ctrl-C back to the system, which kills.
    for number in _ENDING_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    return 0


def _refuse(name: str, reason: str) -> int:
    print(f'{name}: {reason}', file=sys.stderr)  # noqa: T201
    return _BAD_USAGE


def _catch_signals() -> list[int]:
    """Return a list that the signals which end a program are put into from now on."""
    signals: list[int] = []

    def on_signal(number: int, _frame: FrameType | None) -> None:
        signals.append(number)

    for number in _ENDING_SIGNALS:
        signal.signal(number, on_signal)
    return signals


def _spin(node: Node, signals: list[int]) -> None:
    executor: Executor = EventsExecutor()
    executor.add_node(node)
    while not signals:
        try:
            executor.spin_once(timeout_sec=_SPIN_S)
        except Exception:
            # A mistake in one callback must not cost the connection to all other devices.
            node.get_logger().error(traceback.format_exc())
    executor.remove_node(node)
