"""The calling node of the benchmarks, with a manager that does not report every result."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from hos_interfaces.msg import DeviceAPICallResult
from hos_interfaces.srv import DeviceAPICall
from ros_peers import Ros

from benchmark import caller as module
from benchmark.caller import BenchmarkCaller
from hos_device_layer import services, topics
from hos_device_layer.qos import RESULT_QOS
from hos_device_layer.serving import serve


class ForgetfulManager:
    """Accepts calls; `lost` and `failed` are the numbers of those without a (good) result."""

    def __init__(self, ros: Ros) -> None:
        self.lost: set[int] = set()
        self.failed: set[int] = set()
        self._count = 0
        self.node = ros.node('forgetful_manager', '')
        self.results = self.node.create_publisher(
            DeviceAPICallResult, topics.DEVICE_API_CALL_RESULT_TOPIC, RESULT_QOS
        )
        serve(self.node, DeviceAPICall, services.DEVICE_API_CALL_SERVICE, self._on_call)

    def _on_call(self, _request: Any, response: Any) -> Any:
        self._count += 1
        response.is_valid, response.task_id = True, self._count
        if self._count not in self.lost:
            success = self._count not in self.failed
            self.results.publish(DeviceAPICallResult(task_id=self._count, success=success))
        return response


@pytest.fixture
def manager(ros_domain_id: int) -> Iterator[ForgetfulManager]:
    ros = Ros()
    manager = ForgetfulManager(ros)
    yield manager
    manager.node.destroy_node()
    ros.close()


@pytest.fixture
def caller(
    manager: ForgetfulManager, monkeypatch: pytest.MonkeyPatch
) -> Iterator[BenchmarkCaller]:
    monkeypatch.setattr(module, '_ANSWER_TIMEOUT_S', 0.5)
    with contextlib.closing(BenchmarkCaller()) as caller:
        caller.wait_for_service()
        caller._spin_until(manager.results.get_subscription_count)
        yield caller


def test_calls_without_success_are_counted_and_the_measurement_goes_on(
    manager: ForgetfulManager, caller: BenchmarkCaller
) -> None:
    manager.lost, manager.failed = {3, 7}, {10, 11, 12}
    assert caller.rate(['D1'], 4, 0.5) > 0
    assert caller.unsuccessful == 5


def test_an_unanswered_call_has_no_latency(
    manager: ForgetfulManager, caller: BenchmarkCaller
) -> None:
    manager.lost = {2}
    latencies = caller.latencies(['D1'], 5)
    assert caller.unsuccessful == 1
    assert 0 < latencies.p50_s < 0.5


def test_a_manager_that_never_answers_is_an_error(
    manager: ForgetfulManager, caller: BenchmarkCaller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, '_MOST_UNANSWERED', 3)
    manager.lost = set(range(1000))
    with pytest.raises(RuntimeError, match='4 calls failed or remained unanswered'):
        caller.rate(['D1'], 4, 0.1)
