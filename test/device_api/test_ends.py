"""Every call ends, also if its result can no longer arrive."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import rclpy
from calling import LATER, EchoResult, call, finish, make_ready, spin_until
from rclpy.context import Context
from rclpy.executors import Executor, SingleThreadedExecutor
from rclpy.experimental import EventsExecutor
from rclpy.node import Node
from stand_in_manager import FINISHES_ALL, REPORTS_BEFORE_IT_ANSWERS, StandInManager

from hos_device_layer.device_api import CallFailedError, DeviceAPICallInfo
from hos_device_layer.device_api_client import client, limits
from hos_device_layer.qos import DEPTH


def failure(info: DeviceAPICallInfo[EchoResult]) -> str:
    assert info.future.done() and info.result.done()
    with pytest.raises(CallFailedError) as raised:
        info.parse()
    return str(raised.value)


def test_calls_of_a_destroyed_node_end_and_so_does_an_await(executor, manager, node) -> None:
    make_ready(executor, node)
    other = Node('short_lived')
    executor.add_node(other)
    running = [call(node, LATER, n) for n in range(3)]
    called = []
    running[0].result.add_done_callback(called.append)

    async def work() -> str:
        with pytest.raises(CallFailedError) as raised:
            await running[1]
        return str(raised.value)

    task = executor.create_task(work)
    spin_until(executor, lambda: all(info.future.done() for info in running))
    unanswered, held = call(node, LATER), call(other, LATER)
    for each in (node, other):
        executor.remove_node(each)
        each.destroy_node()

    for info in (*running, unanswered):
        assert 'destroyed before its result arrived; the device may execute' in failure(info)
    assert failure(held).endswith('it was not sent')
    assert running[2].result.result().task_id == running[2].future.result().task_id > 0
    assert unanswered.future.result().is_valid is False
    spin_until(executor, lambda: task.done() and bool(called))
    assert 'destroyed' in task.result()


@pytest.mark.parametrize('has_called', [True, False], ids=['used', 'new'])
@pytest.mark.parametrize('end', ['destroyed', 'shut down'])
def test_a_call_of_a_node_that_has_ended_fails(
    context: Context, has_called: bool, end: str
) -> None:
    node = Node('caller', context=context)
    if has_called:
        call(node, LATER)
    if end == 'destroyed':
        node.destroy_node()
    else:
        context.shutdown()
    for _ in range(2):
        with pytest.raises(CallFailedError, match=rf"'D1': .*{end}.*; the call was not sent"):
            call(node, LATER)


@pytest.fixture
def context(ros_domain_id: int) -> Iterator[Context]:
    context = Context()
    rclpy.init(context=context)
    yield context
    context.try_shutdown()


def test_calls_end_when_rclpy_is_shut_down(context) -> None:
    executor = SingleThreadedExecutor(context=context)
    node = Node('caller', context=context)
    executor.add_node(node)
    info = call(node, LATER)
    ended = threading.Barrier(3)
    for future in (info.future, info.result):
        future.when_done(threading.Thread(target=ended.wait).start)
    context.shutdown()
    ended.wait()
    assert 'rclpy was shut down before its result arrived; it was not sent' in failure(info)
    node.destroy_node()
    executor.shutdown()


def test_a_result_that_was_lost_is_noticed_by_asking_the_manager(
    executor: Executor, manager: StandInManager, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, '_CHECKS_PER_QUESTION', 1)
    lost, runs = call(node, LATER), call(node, LATER)
    spin_until(executor, lambda: lost.future.done() and runs.future.done())
    # While the device has a running task, nobody can tell whose result was lost.
    del manager.running[lost.future.result().task_id]
    asked = manager.descriptions
    spin_until(executor, lambda: manager.descriptions >= asked + 3)
    assert not lost.result.done() and not runs.result.done()

    manager.finish_all()
    finish(executor, lost, runs)
    assert runs.parse().n == '0'
    assert 'the result was lost: the device manager has ended the task' in failure(lost)
    assert lost.result.result().task_id == lost.future.result().task_id


def test_a_result_that_comes_while_the_manager_is_asked_is_not_lost(
    executor, manager, node, monkeypatch
) -> None:
    monkeypatch.setattr(client, '_CHECKS_PER_QUESTION', 1)
    info = call(node, LATER)
    spin_until(executor, info.future.done)
    task_id, request = manager.running.popitem()
    asked = manager.descriptions
    # It has been said once that no task runs.
    spin_until(executor, lambda: manager.descriptions == asked + 1)
    manager.running[task_id] = request
    manager.finish_all()
    finish(executor, info)
    assert info.parse().n == '0'


def test_a_call_ends_after_the_longest_time_even_if_its_device_is_never_idle(
    executor, manager, node, monkeypatch
) -> None:
    monkeypatch.setattr(limits, 'RESULT_TIMEOUT_S', 86_400.0)
    info = call(node, LATER)
    spin_until(executor, info.future.done)
    monkeypatch.setattr(limits, 'RESULT_TIMEOUT_S', 0.0)
    finish(executor, info)
    assert 'no result within 0 days; the device may still execute it' in failure(info)


@pytest.mark.slow
def test_a_caller_that_is_blocked_while_too_many_results_pass_learns_of_it() -> None:
    manager, busy, blocked = StandInManager(), Node('busy'), Node('blocked')
    executor, unspun = EventsExecutor(), SingleThreadedExecutor()
    for each in (manager, busy):
        executor.add_node(each)
    unspun.add_node(blocked)
    info = call(blocked, LATER)
    while not info.future.done():
        unspun.spin_once(timeout_sec=0.01)
        executor.spin_once(timeout_sec=0.01)
    finish(executor, call(busy, FINISHES_ALL))
    for _ in range(DEPTH // 100 + 2):
        finish(executor, *(call(busy, REPORTS_BEFORE_IT_ANSWERS, n) for n in range(100)))
    while not info.result.done():
        unspun.spin_once(timeout_sec=0.1)
        executor.spin_once(timeout_sec=0.0)
    assert 'the result was lost' in failure(info)
    for each in (executor, unspun):
        each.shutdown()
    for each in (manager, busy, blocked):
        each.destroy_node()
