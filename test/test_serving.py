"""Responses that cannot be sent at first, over real DDS."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from event_recorder import EventRecorder
from hos_interfaces.srv import ConnectDevice, DeviceAPICall, DeviceConnectionInfos
from rclpy.client import Client
from rclpy.impl.implementation_singleton import rclpy_implementation as rclpy_c
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.service import Service
from rclpy.task import Future
from ros_nodes import SpunNodes, spun_nodes

from hos_device_layer import services, serving
from hos_device_layer.links.published_results import PublishedResults
from hos_device_layer.links.ros import RosLink
from hos_device_layer.qos import SERVICE_QOS

# A client that asks for this never matches the responses of a service, but its requests arrive:
# what happens for a moment while a client and a service discover each other lasts here.
UNREACHABLE = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class LogOfNode:
    """The errors that a node logs."""

    def __init__(self) -> None:
        self.errors: list[str] = []

    def error(self, text: str) -> None:
        self.errors.append(text)


@pytest.fixture
def nodes(ros_domain_id: int) -> Iterator[SpunNodes]:
    with spun_nodes() as nodes:
        yield nodes


@pytest.fixture
def log(nodes: SpunNodes, monkeypatch: pytest.MonkeyPatch) -> LogOfNode:
    log = LogOfNode()
    monkeypatch.setattr(nodes['device_manager'], 'get_logger', lambda: log)
    return log


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, 'RETRY_S', 0.05)


def failing(times: int, fail: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Make the first attempts to send a response fail; returns the list of all attempts."""
    send, attempts = Service.send_response, []

    def send_response(service: Service, response: Any, header: Any) -> None:
        attempts.append(response)
        if len(attempts) <= times:
            fail()
        else:
            send(service, response, header)

    monkeypatch.setattr(Service, 'send_response', send_response)
    return attempts


def timed_out() -> None:
    """Do what rclpy does when the client has not been matched within 100 ms."""
    try:
        warnings.warn('failed to send response (timeout): client …', RuntimeWarning, stacklevel=2)
    except RuntimeWarning as warning:
        raise SystemError('service_send_response returned a result with an error') from warning


def failed() -> None:
    """Do what rclpy does when the response cannot be written."""
    raise rclpy_c.RCLError('failed to send response')


def never(_request: Any, response: Any) -> Any:
    return response


@pytest.mark.parametrize('fail', [timed_out, failed])
@pytest.mark.parametrize(
    ('service_type', 'name'),
    [
        (DeviceAPICall, services.DEVICE_API_CALL_SERVICE),
        (ConnectDevice, services.CONNECT_DEVICE_SERVICE),
        (DeviceConnectionInfos, services.DEVICE_CONNECTION_INFOS_SERVICE),
    ],
)
def test_the_answer_of_the_device_manager_is_sent_until_it_is_delivered(
    nodes: SpunNodes,
    monkeypatch: pytest.MonkeyPatch,
    fail: Callable[[], None],
    service_type: Any,
    name: str,
) -> None:
    attempts = failing(3, fail, monkeypatch)
    recorder = EventRecorder()
    RosLink(nodes['device_manager'], recorder, PublishedResults())
    response = nodes.answer(nodes['caller'], service_type, name)
    # The request was handled once: a call that was accepted is not made again.
    assert len(recorder.events) == 1
    assert len(attempts) == 4
    if service_type is DeviceAPICall:
        assert response.task_id == 7


def calls(client: Client, count: int) -> list[Future]:
    return [client.call_async(ConnectDevice.Request(uid=n)) for n in range(count)]


def test_other_clients_are_answered_while_one_cannot_be_reached(nodes: SpunNodes) -> None:
    requests: list[int] = []

    def on_connect(request: Any, response: Any) -> Any:
        requests.append(request.uid)
        return response

    serving.serve(nodes['device_manager'], ConnectDevice, 'connect', on_connect)
    unreachable = nodes['lost'].create_client(ConnectDevice, 'connect', qos_profile=UNREACHABLE)
    calls(unreachable, 3)
    while len(requests) < 3:
        calls(unreachable, 1)
        nodes.executor.spin_once(timeout_sec=0.05)
    for _ in range(3):
        nodes.answer(nodes['caller'], ConnectDevice, 'connect', uid=5)


def test_requests_of_a_client_that_was_killed_delay_nobody(
    nodes: SpunNodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = failing(0, failed, monkeypatch)
    requests: list[int] = []

    def on_connect(request: Any, response: Any) -> Any:
        requests.append(request.uid)
        return response

    serving.serve(nodes['device_manager'], ConnectDevice, 'connect', on_connect)
    killed = nodes['killed'].create_client(ConnectDevice, 'connect', qos_profile=UNREACHABLE)
    caller = nodes['caller'].create_client(ConnectDevice, 'connect', qos_profile=SERVICE_QOS)
    nodes.spin_until(caller.service_is_ready)
    while not requests:
        calls(killed, 1)
        nodes.executor.spin_once(timeout_sec=0.05)
    calls(killed, 200)
    nodes.spin_until(lambda: len(requests) > 150)
    (answer,) = calls(caller, 1)
    nodes.spin_until(answer.done)
    # Each of these stops the whole process for 100 ms.
    assert len(attempts) < 20


def test_a_response_to_a_client_that_stays_unreachable_is_given_up_and_logged(
    nodes: SpunNodes, log: LogOfNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, 'GIVE_UP_S', 0.3)
    serving.serve(nodes['device_manager'], ConnectDevice, 'connect', never)
    unreachable = nodes['lost'].create_client(ConnectDevice, 'connect', qos_profile=UNREACHABLE)
    while not log.errors:
        calls(unreachable, 1)
        nodes.executor.spin_once(timeout_sec=0.05)
    assert re.fullmatch(
        r'/connect: dropped \d+ responses?: the client could not be reached for 0.3 s; '
        'if it has not ended, check that it asks for a volatile, reliable service',
        log.errors[0],
    )


def test_responses_of_a_destroyed_service_are_dropped(
    nodes: SpunNodes, log: LogOfNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = failing(1, failed, monkeypatch)
    service = serving.serve(nodes['device_manager'], ConnectDevice, 'connect', never)
    nodes.call(nodes['caller'], ConnectDevice, 'connect', uid=5)
    nodes.spin_until(lambda: attempts)
    nodes['device_manager'].destroy_service(service)
    nodes.spin_until(lambda: not list(nodes['device_manager'].timers))
    assert (len(attempts), log.errors) == (2, [])


def test_an_error_of_another_kind_is_raised(
    nodes: SpunNodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong_type(_request: Any, _response: Any) -> Any:
        return 'no response'

    serving.serve(nodes['device_manager'], ConnectDevice, 'connect', wrong_type)
    with pytest.raises(TypeError):
        nodes.answer(nodes['caller'], ConnectDevice, 'connect', uid=5)
