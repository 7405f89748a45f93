from __future__ import annotations

import gc
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
from calling import LATER, EchoResult, call, finish, make_ready, spin_until
from rclpy.executors import MultiThreadedExecutor, SingleThreadedExecutor
from rclpy.node import Node
from stand_in_manager import FAILS, REFUSED, REPORTS_BEFORE_IT_ANSWERS, StandInManager

from hos_device_layer import device_api_client
from hos_device_layer.device_api import CallFailedError, prepare_calls
from hos_device_layer.device_api_client import limits


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


def test_a_node_that_was_prepared_is_discovered_through_the_same_client(
    executor, manager, node
) -> None:
    prepare_calls(node)
    prepare_calls(node)
    client, entities = device_api_client.client_of(node), len(list(node.subscriptions))
    make_ready(executor, node)
    assert device_api_client.client_of(node) is client
    assert len(list(node.subscriptions)) == entities


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
    monkeypatch.setattr(limits, 'MANAGER_TIMEOUT_S', 0.5)
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
    monkeypatch.setattr(limits, 'ANSWER_TIMEOUT_S', 0.5)
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
    with pytest.raises(CallFailedError, match='the node was destroyed'):
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
