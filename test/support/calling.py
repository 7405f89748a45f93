"""Calls of nodes of a test, and the executors that spin them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.executors import Executor
from rclpy.node import Node
from stand_in_manager import REPORTS_BEFORE_IT_ANSWERS

from hos_device_layer.device_api import DeviceAPICallInfo, DeviceResult, call_device

# A function whose calls run until the stand-in manager is told to finish them.
LATER = 'finishes_later'


class EchoResult(DeviceResult, frozen=True):
    n: str


def spin_until(executor: Executor, condition: Callable[[], bool]) -> None:
    while not condition():
        executor.spin_once(timeout_sec=0.05)


def call(node: Node, function_name: str, n: int | str = 0) -> DeviceAPICallInfo[EchoResult]:
    return call_device(node, 'D1', function_name, {'n:string': str(n)}, EchoResult.parse)


def finish(executor: Executor, *calls: DeviceAPICallInfo[Any]) -> None:
    spin_until(executor, lambda: all(c.result.done() and c.future.done() for c in calls))


def make_ready(executor: Executor, node: Node) -> None:
    finish(executor, call(node, REPORTS_BEFORE_IT_ANSWERS))
