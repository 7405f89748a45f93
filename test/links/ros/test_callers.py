"""The services and topics for ROS nodes that call devices."""

from __future__ import annotations

from typing import Any

import pytest
from event_recorder import EventRecorder
from hos_interfaces.msg import ConnectionInfo, DeviceAPICallResult
from hos_interfaces.msg import TypedField as RosTypedField
from hos_interfaces.srv import DeviceAPICall, DeviceConnectionInfos
from ros_nodes import SpunNodes
from virtual_fleet import LIFT

from hos_device_layer import services, topics
from hos_device_layer.core.dispatch.calls import TypedField
from hos_device_layer.core.dispatch.connection_states import ConnectionEvent
from hos_device_layer.core.dispatch.effects import (
    CallAnswer,
    ConnectedDevice,
    PublishConnectionEvent,
    PublishResult,
    PublishSample,
)
from hos_device_layer.core.dispatch.events import CallRequested
from hos_device_layer.links.event_topics import CONNECTION_EVENT_TOPICS
from hos_device_layer.links.ros.callers import RosCallers
from hos_device_layer.qos import EVENT_QOS, RESULT_QOS

UID: Any = LIFT.uid


@pytest.fixture
def callers(nodes: SpunNodes, recorder: EventRecorder) -> RosCallers:
    return RosCallers(nodes['device_manager'], recorder)


@pytest.mark.parametrize('answer', [CallAnswer(True, '', 7), CallAnswer(False, 'no device', 0)])
def test_a_call_is_reported_without_a_link_and_answered(
    nodes: SpunNodes, recorder: EventRecorder, callers: RosCallers, answer: CallAnswer
) -> None:
    recorder.call_answer = answer
    response = nodes.answer(
        nodes['caller'],
        DeviceAPICall,
        services.DEVICE_API_CALL_SERVICE,
        device_id='L1',
        function_name='move',
        args=[RosTypedField(name='x', type='int32', data='7')],
    )
    assert CallAnswer(response.is_valid, response.error, response.task_id) == answer
    call = CallRequested('L1', 'move', (TypedField('x', 'int32', '7'),))
    assert recorder.events == [('', call)]


def test_connected_devices_are_listed(
    nodes: SpunNodes, recorder: EventRecorder, callers: RosCallers
) -> None:
    recorder.devices = (ConnectedDevice(UID, LIFT, 1.5),)
    response = nodes.answer(
        nodes['caller'], DeviceConnectionInfos, services.DEVICE_CONNECTION_INFOS_SERVICE
    )
    assert response.device_infos == [
        ConnectionInfo(device_id='L1', device_uid=UID, device_type='Lift', event_time_s=1.5)
    ]


def subscribe(nodes: SpunNodes, message_type: Any, topic: str, qos: Any) -> list[Any]:
    """Subscribe to a topic and return the list of its messages."""
    messages: list[Any] = []
    subscription = nodes['caller'].create_subscription(message_type, topic, messages.append, qos)
    nodes.spin_until(subscription.get_publisher_count)
    node = nodes['device_manager']
    nodes.spin_until(lambda: node.count_subscribers(topic))
    return messages


def test_a_result_is_published(nodes: SpunNodes, callers: RosCallers) -> None:
    topic = topics.DEVICE_API_CALL_RESULT_TOPIC
    results = subscribe(nodes, DeviceAPICallResult, topic, RESULT_QOS)
    nodes.spin_until(callers._results.get_subscription_count)
    callers.publish(PublishSample('ros', UID, 'height', 'V1'))
    callers.publish(PublishResult(7, True, '', '{"height":5}', 1.5, 2.5))
    nodes.spin_until(lambda: results)
    assert results == [
        DeviceAPICallResult(
            task_id=7,
            success=True,
            error='',
            result_jsons='{"height":5}',
            request_time_s=1.5,
            response_time_s=2.5,
        )
    ]


@pytest.mark.parametrize('event', list(ConnectionEvent))
def test_each_connection_event_has_its_topic(
    nodes: SpunNodes, callers: RosCallers, event: ConnectionEvent
) -> None:
    infos = subscribe(nodes, ConnectionInfo, CONNECTION_EVENT_TOPICS[event], EVENT_QOS)
    nodes.spin_until(callers._events[event].get_subscription_count)
    callers.publish(PublishConnectionEvent(event, UID, LIFT, 1.5))
    nodes.spin_until(lambda: infos)
    assert infos == [
        ConnectionInfo(device_id='L1', device_uid=UID, device_type='Lift', event_time_s=1.5)
    ]
