from __future__ import annotations

import gc
import numbers
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import rclpy
from rclpy.executors import Executor, MultiThreadedExecutor, SingleThreadedExecutor
from rclpy.experimental import EventsExecutor
from rclpy.node import Node
from stand_in_manager import FAILS, REFUSED, REPORTS_BEFORE_IT_ANSWERS, StandInManager

from hos_device_layer import device_api_client
from hos_device_layer.device_api import (
    CallFailedError,
    CallPendingError,
    DeviceAPICallInfo,
    DeviceResult,
    ValueMismatchError,
    call_device,
    value_dict,
)

LATER = 'finishes_later'


class EchoResult(DeviceResult, frozen=True):
    n: str


@pytest.fixture(scope='module', autouse=True)
def _ros(ros_domain_id: int) -> Iterator[None]:
    rclpy.init()
    yield
    rclpy.shutdown()


@pytest.fixture(params=[EventsExecutor, SingleThreadedExecutor, MultiThreadedExecutor])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    executor = request.param()
    yield executor
    for node in executor.get_nodes():
        executor.remove_node(node)
        node.destroy_node()
    executor.shutdown()


@pytest.fixture
def manager(executor: Executor) -> StandInManager:
    manager = StandInManager()
    executor.add_node(manager)
    return manager


@pytest.fixture
def node(executor: Executor) -> Node:
    node = Node('caller')
    executor.add_node(node)
    return node


def spin_until(executor: Executor, condition: Callable[[], bool]) -> None:
    while not condition():
        executor.spin_once(timeout_sec=0.05)


def call(node: Node, function_name: str, n: int | str = 0) -> DeviceAPICallInfo[EchoResult]:
    return call_device(node, 'D1', function_name, {'n:string': str(n)}, EchoResult.parse)


def finish(executor: Executor, *calls: DeviceAPICallInfo[Any]) -> None:
    spin_until(executor, lambda: all(c.result.done() and c.future.done() for c in calls))


def make_ready(executor: Executor, node: Node) -> None:
    finish(executor, call(node, REPORTS_BEFORE_IT_ANSWERS))


def test_a_call_made_before_discovery_gets_its_result(executor, manager, node) -> None:
    before = time.time()
    info = call(node, REPORTS_BEFORE_IT_ANSWERS, 7)
    assert before <= info.call_time <= time.time()

    finish(executor, info)

    assert info.parse() == EchoResult(n='7')
    assert info.result.result().task_id == info.future.result().task_id
    assert info.future.result().is_valid


@pytest.mark.parametrize('function_name', [REPORTS_BEFORE_IT_ANSWERS, LATER])
def test_hundreds_of_outstanding_calls_each_get_their_own_result(
    executor, manager, node, function_name
) -> None:
    infos = [call(node, function_name, n) for n in range(600)]
    spin_until(executor, lambda: all(info.future.done() for info in infos))
    manager.finish_all()
    finish(executor, *infos)

    assert [info.parse().n for info in infos] == [str(n) for n in range(600)]
    assert [request.args[0].data for request in manager.requests] == [str(n) for n in range(600)]


def test_a_node_has_one_client_and_one_subscription(executor, manager, node) -> None:
    make_ready(executor, node)
    clients, subscriptions = len(list(node.clients)), len(list(node.subscriptions))
    infos = [call(node, REPORTS_BEFORE_IT_ANSWERS, n) for n in range(50)]
    finish(executor, *infos)

    assert {info.client for info in infos} == {infos[0].client}
    assert (len(list(node.clients)), len(list(node.subscriptions))) == (clients, subscriptions)
    assert clients == 1


def test_results_of_other_nodes_calls_are_not_kept(executor, manager, node) -> None:
    other = Node('other')
    executor.add_node(other)
    make_ready(executor, node)
    make_ready(executor, other)
    mine = [call(node, REPORTS_BEFORE_IT_ANSWERS, f'mine {n}') for n in range(100)]
    theirs = [call(other, REPORTS_BEFORE_IT_ANSWERS, f'theirs {n}') for n in range(100)]
    finish(executor, *mine, *theirs)

    assert [info.parse().n for info in mine] == [f'mine {n}' for n in range(100)]
    assert [info.parse().n for info in theirs] == [f'theirs {n}' for n in range(100)]
    for caller in (node, other):
        calls = device_api_client.client_of(caller)._calls
        assert (len(calls), calls.early_results) == (0, 0)


def test_nodes_in_a_namespace_call_the_manager_of_that_namespace(executor) -> None:
    managers = {ns: StandInManager(namespace=ns) for ns in ('/north', '/south')}
    nodes = {ns: Node('caller', namespace=ns) for ns in managers}
    for each in (*managers.values(), *nodes.values()):
        executor.add_node(each)
    infos = [call(nodes[ns], REPORTS_BEFORE_IT_ANSWERS, ns) for ns in managers]
    finish(executor, *infos)

    assert [info.parse().n for info in infos] == ['/north', '/south']
    for ns, manager in managers.items():
        assert [request.args[0].data for request in manager.requests] == [ns]


def test_a_refused_call_has_a_failed_result(executor, manager, node) -> None:
    info = call(node, REFUSED)
    finish(executor, info)

    result = info.result.result()
    assert (result.success, result.task_id, result.error) == (False, 0, "no device 'D1'")
    assert result.result_jsons == '{}'
    assert result.request_time_s == info.call_time
    with pytest.raises(CallFailedError, match="'refused' of 'D1': no device 'D1'") as raised:
        info.parse()
    assert (raised.value.device_id, raised.value.function_name) == ('D1', REFUSED)


def test_a_failed_call_keeps_the_devices_error(executor, manager, node) -> None:
    info = call(node, FAILS)
    finish(executor, info)
    with pytest.raises(CallFailedError, match='the lid is open') as raised:
        info.parse()
    assert raised.value.task_id == info.future.result().task_id > 0


def test_a_call_without_a_manager_fails_and_a_later_one_finds_it(
    executor, node, monkeypatch
) -> None:
    monkeypatch.setattr(device_api_client, 'MANAGER_TIMEOUT_S', 0.5)
    info = call(node, LATER)
    finish(executor, info)

    assert not info.future.result().is_valid
    with pytest.raises(
        CallFailedError, match=r'no device manager found: .*/haive_os/device/api_call'
    ):
        info.parse()
    executor.add_node(StandInManager())
    while not info.future.result().is_valid:
        # Discovery may take longer than the time set above.
        info = call(node, REPORTS_BEFORE_IT_ANSWERS)
        finish(executor, info)
    assert info.parse().n == '0'


def test_no_timer_runs_when_no_call_is_pending(executor, manager, node) -> None:
    def idle() -> bool:
        return all(timer.is_canceled() for timer in node.timers)

    for _ in range(2):
        info = call(node, LATER)
        assert not idle()
        spin_until(executor, info.future.done)
        manager.finish_all()
        finish(executor, info)
        spin_until(executor, idle)


def test_a_call_fails_if_the_manager_does_not_answer(node, executor, monkeypatch) -> None:
    monkeypatch.setattr(device_api_client, 'ANSWER_TIMEOUT_S', 0.5)
    spun = SingleThreadedExecutor()
    manager = StandInManager()
    spun.add_node(manager)
    first = call(node, REPORTS_BEFORE_IT_ANSWERS)
    while not first.result.done():
        spun.spin_once(timeout_sec=0)
        executor.spin_once(timeout_sec=0.01)
    info = call(node, LATER)
    finish(executor, info)

    with pytest.raises(CallFailedError, match=r'did not answer within 0\.5 s'):
        info.parse()
    spun.shutdown()
    manager.destroy_node()


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


def test_calls_from_many_threads_while_a_multithreaded_executor_spins() -> None:
    executor = MultiThreadedExecutor(4)
    manager, node = StandInManager(), Node('caller')
    executor.add_node(manager)
    executor.add_node(node)
    spinner = threading.Thread(target=executor.spin)
    spinner.start()

    def run(worker: int) -> list[str]:
        texts = []
        for n in range(40):
            done = threading.Event()
            info = call(node, REPORTS_BEFORE_IT_ANSWERS, f'{worker}/{n}')
            info.result.add_done_callback(lambda _, done=done: done.set())
            done.wait()
            texts.append(info.parse().n)
        return texts

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(run, range(8))) == [[f'{w}/{n}' for n in range(40)] for w in range(8)]
    executor.shutdown()
    spinner.join()
    manager.destroy_node()
    node.destroy_node()


def test_a_destroyed_node_and_its_client_are_freed(manager, node) -> None:
    caller = Node('short_lived')
    node.executor.add_node(caller)
    make_ready(node.executor, caller)
    alive = weakref.ref(caller)
    client = weakref.ref(device_api_client.client_of(caller))

    node.executor.remove_node(caller)
    caller.destroy_node()
    with pytest.raises(Exception, match='destruction was requested'):
        call(caller, LATER)
    del caller
    # Executors remember what they last waited for.
    make_ready(node.executor, node)
    gc.collect()
    assert alive() is None
    assert client() is None


# rclpy tells the manager so, when its caller is gone.
@pytest.mark.filterwarnings('ignore:failed to send response')
def test_messages_queued_for_a_destroyed_node_are_ignored(executor, manager, node) -> None:
    make_ready(executor, node)
    for _ in range(20):
        caller = Node('short_lived')
        executor.add_node(caller)
        call(caller, REPORTS_BEFORE_IT_ANSWERS)
        executor.spin_once(timeout_sec=0.01)
        executor.remove_node(caller)
        caller.destroy_node()
        make_ready(executor, node)


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


@pytest.mark.parametrize(
    ('declaration', 'value', 'complaint'),
    [
        ('x:float32 -60..60 [mm]', 61, r"'move': x: 61.* is outside -60..60 \[mm\]"),
        ('x:float32', float('nan'), 'x: expected float32, got nan'),
        ('n:uint8', 256, r'n: expected uint8 \(0..255\), got 256'),
        ('n:uint8', True, r'n: expected uint8 \(0..255\), got True'),
        ('n:int32', 1.5, r'n: expected int32 \(-2147483648..2147483647\), got 1.5'),
        ('n:int32', '1', r"n: expected int32 \(-2147483648..2147483647\), got '1'"),
        ('on:bool', 'yes', "on: expected bool, got 'yes'"),
        ('text:string', 5, 'text: expected string, got 5'),
        ('text:string', 'a\0b', r'text: expected text without NUL characters, got .*'),
        ('text:string', '\ud800', r'text: expected string, got .*'),
    ],
)
def test_an_invalid_argument_raises_before_anything_is_sent(declaration, value, complaint) -> None:
    node = Node('caller')
    with pytest.raises(ValueMismatchError, match=complaint):
        call_device(node, 'D1', 'move', {declaration: value}, value_dict)
    assert list(node.clients) == []
    node.destroy_node()


class _NumpyLikeFloat:
    """numpy's float32 is a number, registered as one, but no float."""

    def __init__(self, value: float) -> None:
        self._value = value

    def __float__(self) -> float:
        return self._value


@pytest.mark.parametrize('device_id', [7, None, 'D\0', '\ud800'])
def test_an_invalid_device_id_raises_before_anything_is_sent(device_id) -> None:
    node = Node('caller')
    with pytest.raises(ValueMismatchError, match='device_id: '):
        call_device(node, device_id, 'move', {}, value_dict)
    assert list(node.clients) == []
    node.destroy_node()


def test_arguments_are_sent_as_texts(executor, manager, node) -> None:
    numbers.Real.register(_NumpyLikeFloat)
    arguments = {
        'x:float32 -60..60 [mm]': 0.1,
        'y:float64': _NumpyLikeFloat(2.0),
        'n:uint64': 2**64 - 1,
        'on:bool': True,
        'text:string': 'grüße; rm "x"',
    }
    info = call_device(node, 'D1', REPORTS_BEFORE_IT_ANSWERS, arguments, value_dict)
    finish(executor, info)

    assert [(f.name, f.type, f.data) for f in manager.requests[0].args] == [
        ('x', 'float32', '0.1'),
        ('y', 'float64', '2'),
        ('n', 'uint64', '18446744073709551615'),
        ('on', 'bool', '1'),
        ('text', 'string', 'grüße; rm "x"'),
    ]
    assert info.parse()['text'] == 'grüße; rm "x"'


def test_parsing_a_missing_or_different_result_raises(executor, manager, node) -> None:
    info = call_device(node, 'D1', REPORTS_BEFORE_IT_ANSWERS, {'m:int8': 1}, EchoResult.parse)
    with pytest.raises(CallPendingError, match='has no result yet'):
        info.parse()
    finish(executor, info)
    with pytest.raises(ValueMismatchError, match=r'expected EchoResult, got .*run: hos generate'):
        info.parse()


# A process that is killed tells nobody. This is how long others then take it for alive; DDS's own
# default is 20 s.
_PROFILES = """<?xml version="1.0"?>
<profiles xmlns="http://www.eprosima.com/XMLSchemas/fastRTPS_Profiles">
  <participant profile_name="p" is_default_profile="true"><rtps><builtin><discovery_config>
    <leaseDuration><sec>2</sec></leaseDuration>
    <leaseAnnouncement><sec>0</sec><nanosec>500000000</nanosec></leaseAnnouncement>
  </discovery_config></builtin></rtps></participant>
</profiles>
"""


@pytest.fixture
def start_manager(tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    profiles = tmp_path / 'profiles.xml'
    profiles.write_text(_PROFILES)
    # Shared memory that a killed process leaves behind could upset the next one.
    environment = os.environ | {
        'FASTRTPS_DEFAULT_PROFILES_FILE': str(profiles),
        'FASTDDS_BUILTIN_TRANSPORTS': 'UDPv4',
    }
    script = Path(__file__).parent / 'support' / 'stand_in_manager.py'
    processes = []

    def start() -> subprocess.Popen[bytes]:
        processes.append(subprocess.Popen([sys.executable, str(script)], env=environment))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait()


@pytest.mark.parametrize('how', [signal.SIGTERM, signal.SIGKILL])
def test_pending_calls_fail_when_the_manager_is_killed_and_its_successor_is_found(
    executor, node, start_manager, how
) -> None:
    process = start_manager()
    make_ready(executor, node)
    running = [call(node, LATER, n) for n in range(20)]
    spin_until(executor, lambda: all(info.future.done() for info in running))
    process.send_signal(how)
    process.wait()
    unanswered = [call(node, LATER, n) for n in range(20)]
    finish(executor, *running, *unanswered)

    for info in running:
        with pytest.raises(CallFailedError, match='ended before it reported') as raised:
            info.parse()
        assert raised.value.task_id == info.future.result().task_id > 0
    for info in unanswered:
        with pytest.raises(CallFailedError, match=r'ended before|no device manager found'):
            info.parse()

    start_manager()
    again = call(node, REPORTS_BEFORE_IT_ANSWERS, 'again')
    finish(executor, again)
    assert again.parse().n == 'again'


def test_a_manager_that_restarts_before_its_end_is_noticed(executor, node, start_manager) -> None:
    first = start_manager()
    make_ready(executor, node)
    lost = call(node, LATER, 'lost')
    spin_until(executor, lost.future.done)
    first.kill()
    first.wait()
    start_manager()
    finish(executor, lost)

    with pytest.raises(CallFailedError, match='ended before it reported'):
        lost.parse()
    again = call(node, REPORTS_BEFORE_IT_ANSWERS)
    finish(executor, again)
    assert again.parse().n == '0'
