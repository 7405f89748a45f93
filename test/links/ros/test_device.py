"""The ROS entities of one device: commands that are held, sent, withdrawn; its samples."""

from __future__ import annotations

from typing import Any

import pytest
from event_recorder import EventRecorder
from hos_interfaces.msg import DeviceStream
from hos_interfaces.srv import DeviceCommand, SerializedDeviceCommand
from peers import UID, serialized_command, typed_command
from ros_nodes import SpunNodes

from hos_device_layer.core.dispatch.commands import Command
from hos_device_layer.core.dispatch.events import CommandAnswered, SendFailed, StreamSampled
from hos_device_layer.links.ros import device as module
from hos_device_layer.links.ros.device import RosDevice
from hos_device_layer.links.ros.streams import StreamSubscriptions
from hos_device_layer.qos import DIAGNOSTICS_QOS, SERVICE_QOS
from hos_device_layer.services import DEVICE_COMMAND_SERVICE, SERIALIZED_DEVICE_COMMAND_SERVICE
from hos_device_layer.topics import DEVICE_STREAM_TOPIC


class CommandServer:
    """A device's command service in a node of its own; `refusal` makes it refuse commands."""

    def __init__(self, nodes: SpunNodes, serialized: bool = False) -> None:
        self.requests: list[Any] = []
        self.refusal = ''
        kind: Any = SerializedDeviceCommand if serialized else DeviceCommand
        name = SERIALIZED_DEVICE_COMMAND_SERVICE if serialized else DEVICE_COMMAND_SERVICE
        nodes['device'].create_service(kind, name(UID), self._answer, qos_profile=SERVICE_QOS)

    def _answer(self, request: Any, response: Any) -> Any:
        self.requests.append(request)
        response.is_valid, response.error = not self.refusal, self.refusal
        return response


def ros_device(nodes: SpunNodes, recorder: EventRecorder, serialized: bool = False) -> RosDevice:
    node = nodes['device_manager']
    return RosDevice(node, UID, serialized, recorder, 'ros', StreamSubscriptions(node))


@pytest.fixture
def device(nodes: SpunNodes, recorder: EventRecorder) -> RosDevice:
    return ros_device(nodes, recorder)


def test_a_typed_command_is_sent_and_its_answer_reported(
    nodes: SpunNodes, recorder: EventRecorder, device: RosDevice
) -> None:
    server = CommandServer(nodes)
    device.send(typed_command(5))
    nodes.spin_until(device.send_held)
    nodes.spin_until(lambda: recorder.events)
    (request,) = server.requests
    assert (request.cmd_id, request.function_name, request.num_args) == (5, 'move', 2)
    assert [(field.name, field.type, field.data) for field in request.args] == [
        ('x', 'float32', '1.5'),
        ('name', 'string', 'left'),
    ]
    assert recorder.events == [('ros', CommandAnswered(UID, 5, True, ''))]


def test_a_serialized_command_is_sent_and_its_refusal_reported(
    nodes: SpunNodes, recorder: EventRecorder
) -> None:
    server = CommandServer(nodes, serialized=True)
    server.refusal = 'door open'
    device = ros_device(nodes, recorder, serialized=True)
    device.send(serialized_command(5))
    nodes.spin_until(device.send_held)
    nodes.spin_until(lambda: recorder.events)
    (request,) = server.requests
    assert (request.cmd_id, request.serialized_command) == (5, 'A2B3')
    assert request.function_name == 'my_test_function'
    assert recorder.events == [('ros', CommandAnswered(UID, 5, False, 'door open'))]


def test_commands_are_held_until_the_service_is_discovered_and_sent_in_order(
    nodes: SpunNodes, recorder: EventRecorder, device: RosDevice
) -> None:
    assert [device.send(typed_command(n)) for n in (1, 2)] == [False, False]
    assert not device.send_held()
    server = CommandServer(nodes)
    nodes.spin_until(device.send_held)
    assert device.send(typed_command(3))
    nodes.spin_until(lambda: len(recorder.events) == 3)
    assert [request.cmd_id for request in server.requests] == [1, 2, 3]


def test_a_held_command_that_is_withdrawn_is_not_sent(
    nodes: SpunNodes, recorder: EventRecorder, device: RosDevice
) -> None:
    for cmd_id in (1, 2):
        device.send(typed_command(cmd_id))
    device.withdraw(1)
    device.withdraw(99)
    server = CommandServer(nodes)
    nodes.spin_until(device.send_held)
    nodes.spin_until(lambda: recorder.events)
    assert [request.cmd_id for request in server.requests] == [2]


def test_the_answer_to_a_withdrawn_command_is_not_reported(
    nodes: SpunNodes, recorder: EventRecorder, device: RosDevice
) -> None:
    server = CommandServer(nodes)
    device.send(typed_command(1))
    nodes.spin_until(device.send_held)
    device.withdraw(1)
    device.send(typed_command(2))
    nodes.spin_until(lambda: recorder.events)
    assert [request.cmd_id for request in server.requests] == [1, 2]
    assert recorder.events == [('ros', CommandAnswered(UID, 2, True, ''))]


def test_only_samples_of_subscribed_streams_are_reported(
    nodes: SpunNodes, recorder: EventRecorder, device: RosDevice
) -> None:
    publishers = {
        name: nodes['device'].create_publisher(DeviceStream, DEVICE_STREAM_TOPIC(UID, name), 10)
        for name in ('load', 'pose')
    }
    device.subscribe(['load', 'pose'])
    nodes.spin_until(lambda: all(p.get_subscription_count() for p in publishers.values()))
    device.subscribe(['pose'])
    nodes.spin_until(lambda: not publishers['load'].get_subscription_count())
    for name in ('load', 'pose'):
        publishers[name].publish(DeviceStream(uid=UID, data='V1'))
    nodes.spin_until(lambda: recorder.events)
    assert recorder.events == [('ros', StreamSampled(UID, 'pose', 'V1'))]


def test_a_sample_of_a_transient_local_publisher_is_latched(
    nodes: SpunNodes, recorder: EventRecorder, device: RosDevice
) -> None:
    publisher = nodes['device'].create_publisher(
        DeviceStream, DEVICE_STREAM_TOPIC(UID, 'pose'), DIAGNOSTICS_QOS
    )
    publisher.publish(DeviceStream(uid=UID, data='V1'))
    topic = nodes['device_manager'].resolve_topic_name(DEVICE_STREAM_TOPIC(UID, 'pose'))
    nodes.spin_until(lambda: nodes['device_manager'].count_publishers(topic))
    device.subscribe(['pose'])
    nodes.spin_until(lambda: recorder.events)
    assert recorder.events == [('ros', StreamSampled(UID, 'pose', 'V1', is_latched=True))]


def test_a_destroyed_device_has_no_entities(nodes: SpunNodes, device: RosDevice) -> None:
    node = nodes['device_manager']
    device.subscribe(['load'])
    before = len(list(node.clients)), len(list(node.subscriptions))
    device.destroy()
    after = len(list(node.clients)), len(list(node.subscriptions))
    assert (before[0] - after[0], before[1] - after[1]) == (1, 1)


def test_a_held_command_that_cannot_be_sent_fails_alone(
    nodes: SpunNodes,
    recorder: EventRecorder,
    device: RosDevice,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    typed_request = module._typed_request

    def broken_request(command: Command) -> Any:
        if command.cmd_id == 1:
            raise OverflowError('too large')
        return typed_request(command)

    monkeypatch.setattr(module, '_typed_request', broken_request)
    for cmd_id in range(3):
        assert not device.send(typed_command(cmd_id))
    server = CommandServer(nodes)
    nodes.spin_until(device.send_held)
    nodes.spin_until(lambda: len(recorder.events) == 3)
    assert [request.cmd_id for request in server.requests] == [0, 2]
    ((_, failure),) = [e for e in recorder.events if isinstance(e[1], SendFailed)]
    assert failure.cmd_id == 1 and 'too large' in failure.error
