from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import rclpy
from calling import LATER, EchoResult, call, finish, make_ready, spin_until
from rclpy.executors import Executor, MultiThreadedExecutor, SingleThreadedExecutor
from rclpy.experimental import EventsExecutor
from rclpy.node import Node
from rclpy.task import Future
from stand_in_manager import FAILS, FINISHES_ALL, REPORTS_BEFORE_IT_ANSWERS, StandInManager

from hos_device_layer.device_api import CallFailedError, CallPendingError, CallTimeoutError
from hos_device_layer.device_api_client import limits


def raised_by(work: Callable[[], object]) -> BaseException | None:
    """Return the exception that a function raises."""
    try:
        work()
    except Exception as error:
        return error
    return None


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


class StepCounter:
    """Counts how often an executor resumes a coroutine that awaits something."""

    def __init__(self, awaited: Awaitable[EchoResult]) -> None:
        self._awaited = awaited
        self.steps = 0

    def __await__(self) -> Generator[Any, None, EchoResult]:
        awaited = self._awaited.__await__()
        while True:
            self.steps += 1
            try:
                yield next(awaited)
            except StopIteration as end:
                return end.value


def test_a_coroutine_is_resumed_only_when_its_call_is_done(executor, manager, node) -> None:
    counters: list[StepCounter] = []

    async def work(n: int) -> str:
        await call(node, REPORTS_BEFORE_IT_ANSWERS)
        counters.append(StepCounter(call(node, LATER, n)))
        return (await counters[-1]).n

    tasks = [executor.create_task(work(n)) for n in range(5)]
    spin_until(executor, lambda: len(manager.running) == 5)
    make_ready(executor, node)
    steps = [counter.steps for counter in counters]
    if not isinstance(executor, MultiThreadedExecutor):
        # That may have asked a thread to resume a coroutine again before it was suspended.
        assert steps == [1] * 5
    for _ in range(5):
        make_ready(executor, node)
    assert [counter.steps for counter in counters] == steps
    assert not any(task.done() for task in tasks)
    manager.finish_all()
    spin_until(executor, lambda: all(task.done() for task in tasks))
    assert [counter.steps for counter in counters] == [step + 1 for step in steps]
    assert sorted(task.result() for task in tasks) == list('01234')


def test_a_cancelled_coroutine_is_not_resumed(executor, manager, node) -> None:
    reached = []

    async def work() -> None:
        await call(node, LATER)
        reached.append('the end')

    task = executor.create_task(work)
    spin_until(executor, lambda: bool(manager.running))
    task.cancel()
    manager.finish_all()
    make_ready(executor, node)
    assert task.cancelled() and not reached


def test_a_coroutine_may_wait_for_other_things_too(executor, manager, node) -> None:
    foreign = Future()

    async def work() -> list[object]:
        results: list[object] = [(await call(node, REPORTS_BEFORE_IT_ANSWERS, 'a')).n]
        results.append(await foreign)
        results.append((await call(node, REPORTS_BEFORE_IT_ANSWERS, 'c')).n)
        return results

    task = executor.create_task(work)
    make_ready(executor, node)
    foreign.set_result('b')
    spin_until(executor, task.done)
    assert task.result() == ['a', 'b', 'c']


@pytest.fixture
def spun(executor: Executor, manager: StandInManager, node: Node) -> Iterator[Node]:
    """Return a caller that another thread spins, and its manager."""
    ended = threading.Event()
    spinner = threading.Thread(target=spin_until, args=(executor, ended.is_set))
    spinner.start()
    yield node
    ended.set()
    spinner.join()


def test_asyncio_awaits_the_calls_of_a_node_that_a_thread_spins(spun) -> None:
    async def work(n: int) -> str:
        with pytest.raises(CallFailedError, match='the lid is open'):
            await call(spun, FAILS)
        return (await call(spun, REPORTS_BEFORE_IT_ANSWERS, n)).n

    async def main() -> list[str]:
        return await asyncio.gather(*(work(n) for n in range(20)))

    assert asyncio.run(main()) == [str(n) for n in range(20)]


@pytest.mark.parametrize('kind', [EventsExecutor, SingleThreadedExecutor, MultiThreadedExecutor])
def test_a_coroutine_may_run_on_another_executor_than_its_node(spun, kind) -> None:
    async def work() -> str:
        return (await call(spun, REPORTS_BEFORE_IT_ANSWERS, 'x')).n

    other = kind()
    task = other.create_task(work)
    if kind is EventsExecutor:
        while not task.done():
            other.spin_once(timeout_sec=1000)  # it must be woken
    else:
        other.spin_until_future_complete(task)
    assert task.result() == 'x'
    other.shutdown()


def test_a_callback_that_was_removed_is_not_called(executor, manager, node) -> None:
    called = []
    info = call(node, LATER)
    info.result.add_done_callback(called.append)
    assert info.result.remove_done_callback(called.append)
    assert not info.result.remove_done_callback(called.append)
    spin_until(executor, info.future.done)
    manager.finish_all()
    finish(executor, info)
    make_ready(executor, node)
    assert called == []


def test_a_callback_may_await_a_result_without_a_deadlock(manager, node) -> None:
    # The node's default callback group is held while its callback waits.
    results = []

    async def on_timer() -> None:
        timer.cancel()
        results.append((await call(node, REPORTS_BEFORE_IT_ANSWERS, 'x')).n)

    timer = node.create_timer(0.01, on_timer)
    spin_until(node.executor, lambda: bool(results))
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


def test_a_thread_waits_for_its_results_while_another_spins_the_node(spun) -> None:
    assert [call(spun, REPORTS_BEFORE_IT_ANSWERS, n).wait().n for n in range(3)] == list('012')
    with pytest.raises(CallFailedError, match='the lid is open'):
        call(spun, FAILS).wait(60.0)
    done = call(spun, REPORTS_BEFORE_IT_ANSWERS)
    done.wait()
    assert done.wait(0.0).n == '0'


def test_many_threads_wait_at_the_same_time(spun) -> None:
    with ThreadPoolExecutor(8) as pool:
        calls = [call(spun, REPORTS_BEFORE_IT_ANSWERS, n) for n in range(100)]
        assert [result.n for result in pool.map(lambda info: info.wait(), calls)] == [
            str(n) for n in range(100)
        ]


def test_a_call_goes_on_after_a_wait_that_timed_out(spun, manager) -> None:
    info = call(spun, LATER, 7)
    with pytest.raises(
        CallTimeoutError, match=r"'finishes_later' of 'D1': no result within 0.1 s"
    ):
        info.wait(0.1)
    call(spun, FINISHES_ALL).wait()
    assert info.wait().n == '7'


@pytest.mark.parametrize('executor', [EventsExecutor, SingleThreadedExecutor], indirect=True)
def test_a_wait_that_the_spinning_thread_would_never_end_raises(
    executor, manager, node, monkeypatch
) -> None:
    monkeypatch.setattr(limits, 'SPINNER_TIMEOUT_S', 0.2)
    errors: list[str] = []

    def on_timer() -> None:
        timer.cancel()
        with pytest.raises(CallPendingError) as raised:
            call(node, REPORTS_BEFORE_IT_ANSWERS).wait()
        errors.append(str(raised.value))

    timer = node.create_timer(0.01, on_timer)
    spin_until(executor, lambda: bool(errors))
    assert 'expected another thread to spin the node, found none within 0.2 s' in errors[0]
    with pytest.raises(CallPendingError, match='expected another thread to spin the node'):
        call(node, LATER).wait()


@pytest.mark.parametrize('executor', [EventsExecutor, SingleThreadedExecutor], indirect=True)
def test_a_wait_ends_when_the_thread_that_spun_the_node_has_ended(
    executor, manager, node, monkeypatch
) -> None:
    monkeypatch.setattr(limits, 'SPINNER_TIMEOUT_S', 0.2)
    info = call(node, LATER)
    spinner = threading.Thread(target=spin_until, args=(executor, info.future.done))
    spinner.start()
    with pytest.raises(CallPendingError, match='expected another thread to spin the node'):
        info.wait()
    spinner.join()

    # Another thread may spin it later.
    spinner = threading.Thread(target=spin_until, args=(executor, info.result.done))
    spinner.start()
    manager.finish_all()
    assert info.wait().n == '0'
    spinner.join()


@pytest.mark.parametrize('removed', [True, False], ids=['removed', 'kept'])
@pytest.mark.parametrize('executor', [EventsExecutor, SingleThreadedExecutor], indirect=True)
def test_a_wait_ends_when_the_thread_that_spun_the_node_does_something_else(
    executor, manager, node, monkeypatch, removed
) -> None:
    monkeypatch.setattr(limits, 'SPINNER_TIMEOUT_S', 0.2)
    monkeypatch.setattr(limits, 'SPINNER_SILENCE_S', 60.0 if removed else 0.4)
    info = call(node, LATER)
    waited: list[BaseException | None] = []
    worker = threading.Thread(target=lambda: waited.append(raised_by(info.wait)))
    # This thread spins the node, and then waits for the other one.
    spin_until(executor, info.future.done)
    worker.start()
    if removed:
        executor.remove_node(node)
    worker.join()
    assert 'expected another thread to spin the node' in str(waited[0])
    if removed:
        executor.add_node(node)
    manager.finish_all()
    finish(executor, info)
    assert info.parse().n == '0'


@pytest.mark.parametrize('executor', [SingleThreadedExecutor], indirect=True)
def test_a_wait_is_patient_with_a_node_that_is_spun_in_turns(manager, node, monkeypatch) -> None:
    # rclpy.spin_once adds the node to an executor, and removes it again.
    monkeypatch.setattr(limits, 'SPINNER_TIMEOUT_S', 1.5)
    node.executor.remove_node(node)
    info = call(node, LATER)
    ended = threading.Event()

    def spin() -> None:
        while not ended.is_set():
            rclpy.spin_once(node, timeout_sec=0.05)

    spinner = threading.Thread(target=spin)
    spinner.start()
    with pytest.raises(CallTimeoutError):
        info.wait(3.2)
    ended.set()
    spinner.join()


def test_a_short_wait_that_no_thread_can_end_times_out(executor, manager, node) -> None:
    with pytest.raises(CallTimeoutError, match=r'no result within 0\.05 s'):
        call(node, LATER).wait(0.05)


def test_a_result_that_was_cancelled_is_named(spun, manager) -> None:
    info = call(spun, LATER)
    info.result.cancel()
    for read in (info.wait, info.parse):
        with pytest.raises(CallFailedError, match=r"'finishes_later' of 'D1': .* was cancelled"):
            read()
    call(spun, FINISHES_ALL).wait()


def test_a_callback_of_a_multithreaded_executor_may_wait(manager) -> None:
    executor = MultiThreadedExecutor(2)
    node = Node('caller')
    for each in (manager, node):
        executor.add_node(each)
    results = []

    def on_timer() -> None:
        timer.cancel()
        results.append(call(node, REPORTS_BEFORE_IT_ANSWERS, 'x').wait().n)

    timer = node.create_timer(0.01, on_timer)
    spin_until(executor, lambda: bool(results))
    assert results == ['x']
    executor.shutdown()
    node.destroy_node()
