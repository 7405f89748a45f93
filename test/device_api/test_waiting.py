from __future__ import annotations

import threading

import pytest
import rclpy
from calling import call, spin_until
from rclpy.executors import Executor, SingleThreadedExecutor
from rclpy.node import Node
from stand_in_manager import FAILS, REPORTS_BEFORE_IT_ANSWERS, StandInManager

from hos_device_layer.device_api import CallFailedError


def test_exceptions_in_callbacks_are_raised_by_the_executor(executor, manager, node) -> None:
    # Made before the executor knows of it, as in a node's constructor.
    early = Node('early')
    info = call(early, REPORTS_BEFORE_IT_ANSWERS)
    info.result.add_done_callback(lambda _: 1 / 0)
    executor.add_node(early)
    with pytest.raises(ZeroDivisionError):
        spin_until(executor, lambda: False)


def test_await_gives_the_typed_result(executor, manager, node) -> None:
    async def work() -> list[str]:
        first = await call(node, REPORTS_BEFORE_IT_ANSWERS, 'a')
        try:
            await call(node, FAILS)
        except CallFailedError as error:
            return [first.n, str(error)]
        return []

    task = executor.create_task(work)
    spin_until(executor, task.done)
    assert task.result() == ['a', "'fails' of 'D1': the lid is open"]


def test_a_callback_may_await_a_result_without_a_deadlock(manager, node) -> None:
    # The node's default callback group is held while its callback waits.
    results = []

    async def on_timer() -> None:
        timer.cancel()
        results.append((await call(node, REPORTS_BEFORE_IT_ANSWERS, 'x')).n)

    timer = node.create_timer(0.01, on_timer)
    executor = node.executor
    if not isinstance(executor, Executor):
        # The events executor runs no coroutines as callbacks.
        executor.create_task(on_timer)
    spin_until(executor, lambda: bool(results))
    assert results == ['x']


def test_the_usual_blocking_wait_works(ros_domain_id) -> None:
    manager, node = StandInManager(), Node('caller')
    executor = SingleThreadedExecutor()
    executor.add_node(manager)
    spinner = threading.Thread(target=executor.spin)
    spinner.start()
    for n in range(3):
        info = call(node, REPORTS_BEFORE_IT_ANSWERS, n)
        rclpy.spin_until_future_complete(node, info.result)
        assert info.parse().n == str(n)
    executor.shutdown()
    spinner.join()
    manager.destroy_node()
    node.destroy_node()
