"""The ROS link: what it reports of devices, and the devices that it opens and closes."""

from __future__ import annotations

from typing import Any

import pytest
from event_recorder import EventRecorder
from hos_interfaces.msg import DeviceCommandResult
from hos_interfaces.srv import ConnectDevice, DeviceCommand
from peers import typed_command
from ros_nodes import SpunNodes
from std_msgs.msg import UInt32
from virtual_fleet import LIFT, make_spec

from hos_device_layer import services, topics
from hos_device_layer.core.dispatch.effects import ConnectAnswer
from hos_device_layer.core.dispatch.events import (
    CommandAnswered,
    ConnectRequested,
    Pinged,
    ResultReported,
)
from hos_device_layer.links.published_results import PublishedResults
from hos_device_layer.links.ros import RosLink
from hos_device_layer.qos import RESULT_QOS, SERVICE_QOS

UID: Any = LIFT.uid
STREAMS = (make_spec().streams['height'],)


@pytest.fixture
def link(nodes: SpunNodes, recorder: EventRecorder) -> RosLink:
    return RosLink(nodes['device_manager'], recorder, PublishedResults())


def serve_commands(nodes: SpunNodes) -> list[int]:
    """Serve the commands of the device; returns the list of the ids that it receives."""
    received: list[int] = []

    def accept(request: Any, response: Any) -> Any:
        received.append(request.cmd_id)
        response.is_valid = True
        return response

    name = services.DEVICE_COMMAND_SERVICE(UID)
    nodes['device'].create_service(DeviceCommand, name, accept, qos_profile=SERVICE_QOS)
    return received


def entities(nodes: SpunNodes) -> tuple[int, int]:
    node = nodes['device_manager']
    return len(list(node.clients)), len(list(node.subscriptions))


def test_a_request_to_connect_is_reported_and_answered(
    nodes: SpunNodes, recorder: EventRecorder, link: RosLink
) -> None:
    recorder.connect_answer = ConnectAnswer(False, 'unknown')
    answer = nodes.answer(nodes['device'], ConnectDevice, services.CONNECT_DEVICE_SERVICE, uid=UID)
    assert (answer.success, answer.error) == (False, 'unknown')
    assert recorder.of_type(ConnectRequested) == [('ros', ConnectRequested(UID))]


def test_pings_and_results_are_reported(
    nodes: SpunNodes, recorder: EventRecorder, link: RosLink
) -> None:
    device = nodes['device']
    pings = device.create_publisher(UInt32, topics.DEVICE_PING_TOPIC, 10)
    results = device.create_publisher(
        DeviceCommandResult, topics.DEVICE_CMD_RESULT_TOPIC, RESULT_QOS
    )
    nodes.spin_until(lambda: pings.get_subscription_count() and results.get_subscription_count())
    pings.publish(UInt32(data=UID))
    results.publish(
        DeviceCommandResult(uid=UID, cmd_id=5, success=False, error='bent', result_str='V1')
    )
    nodes.spin_until(lambda: len(recorder.events) == 2)
    assert recorder.of_type(Pinged) == [('ros', Pinged(UID))]
    result = ResultReported(UID, 5, False, 'bent', 'V1')
    assert recorder.of_type(ResultReported) == [('ros', result)]


def test_a_held_command_is_sent_by_a_later_poll(
    nodes: SpunNodes, recorder: EventRecorder, link: RosLink
) -> None:
    link.open(LIFT, False, ())
    link.send(typed_command(5, UID))
    link.poll()
    received = serve_commands(nodes)

    def is_answered() -> bool:
        link.poll()
        return bool(recorder.events)

    nodes.spin_until(is_answered)
    assert received == [5]
    assert recorder.events == [('ros', CommandAnswered(UID, 5, True, ''))]


def test_a_withdrawn_command_is_not_sent_by_a_later_poll(
    nodes: SpunNodes, recorder: EventRecorder, link: RosLink
) -> None:
    link.open(LIFT, False, ())
    for cmd_id in (5, 6):
        link.send(typed_command(cmd_id, UID))
    link.withdraw(UID, 5)
    link.withdraw(99, 5)
    received = serve_commands(nodes)

    def is_answered() -> bool:
        link.poll()
        return bool(recorder.events)

    nodes.spin_until(is_answered)
    assert received == [6]


def test_opening_a_device_again_adapts_its_entities(nodes: SpunNodes, link: RosLink) -> None:
    clients, subscriptions = entities(nodes)
    link.open(LIFT, False, STREAMS)
    assert entities(nodes) == (clients + 1, subscriptions + 1)
    link.open(LIFT, False, ())
    assert entities(nodes) == (clients + 1, subscriptions)
    link.open(LIFT, True, STREAMS)
    assert entities(nodes) == (clients + 1, subscriptions + 1)
    link.close(UID)
    link.close(UID)
    assert entities(nodes) == (clients, subscriptions)


def test_a_stopped_link_has_no_entities_of_devices(nodes: SpunNodes, link: RosLink) -> None:
    before = entities(nodes)
    link.open(LIFT, False, STREAMS)
    link.stop()
    assert entities(nodes) == before
