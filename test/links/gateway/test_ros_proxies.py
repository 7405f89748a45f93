"""The command services and stream topics of gateway devices in ROS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hos_interfaces.msg import DeviceCommandResult, DeviceStream, TypedField
from hos_interfaces.srv import DeviceCommand, SerializedDeviceCommand
from peers import UID
from ros_nodes import SpunNodes

from hos_device_layer import services, topics
from hos_device_layer.core.dispatch.commands import Command
from hos_device_layer.core.dispatch.events import ResultReported
from hos_device_layer.links.gateway.ros_proxies import DeviceProxies
from hos_device_layer.links.published_results import PublishedResults
from hos_device_layer.qos import RESULT_QOS

Sent = list[tuple[Command, Callable[[bool, str], None]]]


@pytest.fixture
def sent() -> Sent:
    return []


@pytest.fixture
def proxies(nodes: SpunNodes, sent: Sent) -> DeviceProxies:
    return DeviceProxies(
        nodes['device_manager'],
        lambda command, answer: sent.append((command, answer)),
        PublishedResults(),
    )


def call_typed(nodes: SpunNodes, cmd_id: int, kind: str = 'float32') -> Any:
    """Call the typed command service and return the future of the response."""
    return nodes.call(
        nodes['caller'],
        DeviceCommand,
        services.DEVICE_COMMAND_SERVICE(UID),
        cmd_id=cmd_id,
        function_name='move',
        num_args=1,
        args=[TypedField(name='x', type=kind, data='1.5')],
    )


def relayed_call(nodes: SpunNodes, sent: Sent, proxies: DeviceProxies) -> Any:
    """Call a typed command and return the future when the command has been relayed."""
    proxies.open(UID, serialized=False)
    future = call_typed(nodes, 5)
    nodes.spin_until(lambda: sent)
    return future


def test_a_typed_command_is_relayed_and_answered_later(
    nodes: SpunNodes, sent: Sent, proxies: DeviceProxies
) -> None:
    future = relayed_call(nodes, sent, proxies)
    ((command, answer),) = sent
    assert (command.cmd_id, command.uid, command.arguments) == (5, UID, ('1.5',))
    assert [field.to_text() for field in command.function.arguments] == ['x:float32']
    assert command.serialized is None
    assert not future.done()
    answer(False, 'door open')
    nodes.spin_until(future.done)
    assert (future.result().is_valid, future.result().error) == (False, 'door open')


def test_answers_in_another_order_reach_their_own_callers(
    nodes: SpunNodes, sent: Sent, proxies: DeviceProxies
) -> None:
    proxies.open(UID, serialized=False)
    futures = {cmd_id: call_typed(nodes, cmd_id) for cmd_id in (1, 2, 3)}
    nodes.spin_until(lambda: len(sent) == 3)
    for command, answer in reversed(sent):
        answer(True, f'{command.cmd_id}')
    nodes.spin_until(lambda: all(future.done() for future in futures.values()))
    assert {cmd_id: future.result().error for cmd_id, future in futures.items()} == {
        1: '1',
        2: '2',
        3: '3',
    }


def test_a_serialized_command_is_relayed(
    nodes: SpunNodes, sent: Sent, proxies: DeviceProxies
) -> None:
    proxies.open(UID, serialized=True)
    nodes.call(
        nodes['caller'],
        SerializedDeviceCommand,
        services.SERIALIZED_DEVICE_COMMAND_SERVICE(UID),
        cmd_id=5,
        serialized_command='A2B3',
        function_name='f',
    )
    nodes.spin_until(lambda: sent)
    ((command, _),) = sent
    assert (command.cmd_id, command.serialized, command.function.name) == (5, 'A2B3', 'f')


def test_an_unknown_argument_type_is_refused_without_the_device(
    nodes: SpunNodes, sent: Sent, proxies: DeviceProxies
) -> None:
    proxies.open(UID, serialized=False)
    future = call_typed(nodes, 5, kind='nonsense')
    nodes.spin_until(future.done)
    assert not future.result().is_valid
    assert 'invalid arguments' in future.result().error and 'nonsense' in future.result().error
    assert sent == []


def test_a_device_that_is_closed_leaves_no_caller_without_an_answer(
    nodes: SpunNodes, sent: Sent, proxies: DeviceProxies
) -> None:
    future = relayed_call(nodes, sent, proxies)
    proxies.close(UID)
    nodes.spin_until(future.done)
    assert not future.result().is_valid
    assert future.result().error.endswith('was disconnected before it answered')


def test_the_end_of_the_manager_leaves_no_caller_without_an_answer(
    nodes: SpunNodes, sent: Sent, proxies: DeviceProxies
) -> None:
    future = relayed_call(nodes, sent, proxies)
    proxies.refuse_all('the device manager was stopped')
    nodes.spin_until(future.done)
    assert future.result().error == 'the device manager was stopped'


def test_a_change_of_the_service_leaves_no_caller_without_an_answer(
    nodes: SpunNodes, sent: Sent, proxies: DeviceProxies
) -> None:
    future = relayed_call(nodes, sent, proxies)
    proxies.open(UID, serialized=True)
    nodes.spin_until(future.done)
    assert not future.result().is_valid
    assert 'serialized_api of its device type was changed' in future.result().error


def test_an_answer_after_the_device_was_closed_is_dropped(
    nodes: SpunNodes, sent: Sent, proxies: DeviceProxies
) -> None:
    relayed_call(nodes, sent, proxies)
    proxies.close(UID)
    node, name = nodes['caller'], '/' + services.DEVICE_COMMAND_SERVICE(UID)
    nodes.spin_until(lambda: not node.count_services(name))
    ((_, answer),) = sent
    answer(True, '')
    proxies.open(UID, serialized=False)
    call_typed(nodes, 6)
    nodes.spin_until(lambda: len(sent) == 2)


def _services_of_device(nodes: SpunNodes) -> list[str]:
    names = nodes['caller'].get_service_names_and_types()
    return [name for name, _ in names if f'uid{UID}' in name]


def test_the_kind_of_the_service_follows_the_device_type(
    nodes: SpunNodes, proxies: DeviceProxies
) -> None:
    proxies.open(UID, serialized=False)
    proxies.open(UID, serialized=False)
    proxies.open(UID, serialized=True)
    name = '/' + services.SERIALIZED_DEVICE_COMMAND_SERVICE(UID)
    nodes.spin_until(lambda: _services_of_device(nodes) == [name])


def test_without_relaying_there_is_no_service(nodes: SpunNodes) -> None:
    node = nodes['device_manager']
    before = len(list(node.services))
    DeviceProxies(node, None, PublishedResults()).open(UID, serialized=False)
    assert len(list(node.services)) == before


def test_the_topic_of_a_stream_exists_from_its_first_sample_until_the_device_is_closed(
    nodes: SpunNodes, proxies: DeviceProxies
) -> None:
    topic = topics.DEVICE_STREAM_TOPIC(UID, 'load')
    samples: list[DeviceStream] = []
    nodes['caller'].create_subscription(DeviceStream, topic, samples.append, RESULT_QOS)
    node = nodes['device_manager']
    assert node.count_publishers(topic) == 0

    def is_received() -> bool:
        # Samples before the discovery of the topic are lost.
        proxies.publish_sample(UID, 'load', 'V1')
        return bool(samples)

    nodes.spin_until(is_received)
    assert samples[0] == DeviceStream(uid=UID, data='V1')
    assert node.count_publishers(topic) == 1
    proxies.close(UID)
    nodes.spin_until(lambda: node.count_publishers(topic) == 0)


def test_the_result_of_a_relayed_command_is_published(
    nodes: SpunNodes, proxies: DeviceProxies
) -> None:
    results: list[DeviceCommandResult] = []
    nodes['caller'].create_subscription(
        DeviceCommandResult, topics.DEVICE_CMD_RESULT_TOPIC, results.append, RESULT_QOS
    )

    def is_received() -> bool:
        proxies.publish_result(ResultReported(UID, 5, False, 'be\0nt', 'V1\0'))
        return bool(results)

    nodes.spin_until(is_received)
    assert results[0] == DeviceCommandResult(
        uid=UID, cmd_id=5, success=False, error='be␀nt', result_str='V1␀'
    )


def test_the_publisher_of_a_stream_has_no_events(nodes: SpunNodes, proxies: DeviceProxies) -> None:
    # An event of a publisher that is destroyed would end the process: see NO_PUBLISHER_EVENTS.
    proxies.publish_sample(UID, 'load', 'V1')
    topic = '/' + topics.DEVICE_STREAM_TOPIC(UID, 'load')
    (publisher,) = (p for p in nodes['device_manager'].publishers if p.topic_name == topic)
    assert publisher.event_handlers == []
