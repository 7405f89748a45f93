"""A device belongs to one link, ROS or the gateway; what comes through the other is dropped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hos_interfaces.msg import DeviceAPICallResult, DeviceCommandResult, DeviceStream
from hos_interfaces.srv import ConnectDevice
from node_in_process import NodesInProcess, manager_in_process
from rclpy.node import Node
from rclpy.publisher import Publisher
from websockets.sync.client import ClientConnection, connect

from hos_device_layer import qos, topics
from hos_device_layer.core.dispatch.calls import TypedField
from hos_device_layer.core.dispatch.effects import LogDropped
from hos_device_layer.core.dispatch.events import CallRequested
from hos_device_layer.services import CONNECT_DEVICE_SERVICE

UID = 13213001  # G1001 of the sample, a gantry: it takes typed arguments.
STREAM = 'carriage_position'
TOPIC = topics.DEVICE_STREAM_TOPIC(UID, STREAM)
CONNECT = {
    'op': 'call_service',
    'id': 'c',
    'service': CONNECT_DEVICE_SERVICE,
    'args': {'uid': UID},
}


class Bench:
    """A device manager in the process, a ROS node and a peer of the gateway."""

    def __init__(self, nodes: NodesInProcess, manager: Any, peer: ClientConnection) -> None:
        self.nodes = nodes
        self.manager = manager
        self.dropped: list[str] = []
        manager._performers[LogDropped] = lambda effect: self.dropped.append(effect.reason)
        self.peer = peer
        self.node = nodes.add(Node, 'peer')
        self.samples: list[str] = []
        self.node.create_subscription(
            DeviceStream, TOPIC, lambda m: self.samples.append(m.data), qos.RESULT_QOS
        )
        self.results: list[Any] = []
        self.node.create_subscription(
            DeviceAPICallResult,
            topics.DEVICE_API_CALL_RESULT_TOPIC,
            self.results.append,
            qos.RESULT_QOS,
        )
        self._connect = self.node.create_client(ConnectDevice, CONNECT_DEVICE_SERVICE)
        nodes.spin_until(self._connect.service_is_ready)

    def say(self, **frame: Any) -> None:
        self.peer.send(json.dumps(frame))

    def hear(self, op: str) -> dict[str, Any]:
        """Run the device manager until the peer receives a frame."""
        frames: list[dict[str, Any]] = []

        def is_received() -> bool:
            try:
                frames.append(json.loads(self.peer.recv(timeout=0.01)))
            except TimeoutError:
                return False
            return bool(frames[-1]['op'] == op)

        self.nodes.spin_until(is_received)
        return frames[-1]

    def confirm(self) -> None:
        """Wait until everything that the peer has sent is handled."""
        self.say(op='confirm')
        self.hear('confirm')

    def connect_ros(self) -> Any:
        future = self._connect.call_async(ConnectDevice.Request(uid=UID))
        self.nodes.spin_until(future.done)
        return future.result()

    def connect_gateway(self) -> dict[str, Any]:
        self.say(**CONNECT)
        values: dict[str, Any] = self.hear('service_response')['values']
        return values

    def sample(self, data: str) -> None:
        self.say(op='publish', topic=TOPIC, msg={'uid': UID, 'data': data})

    def publisher(self, message_type: Any, topic: str) -> Publisher:
        """Return a publisher of the ROS node that the device manager has discovered."""
        publisher = self.node.create_publisher(message_type, topic, qos.RESULT_QOS)
        listeners = self.node.count_subscribers(topic)
        self.nodes.spin_until(lambda: publisher.get_subscription_count() >= max(1, listeners))
        return publisher

    def call(self) -> int:
        """Call a function of the device and return the id of its task."""
        fields = [TypedField('x', 'float64', '1'), TypedField('y', 'float64', '2')]
        request = CallRequested(
            'G1001', 'gantry_move', (*fields, TypedField('speed', 'uint16', '3'))
        )
        answer = self.manager.handle_event('', request)
        assert answer.is_valid, answer.error
        return int(answer.task_id)

    def state(self) -> str:
        return str(self.manager.dispatcher.connections.get(UID).state.value)


@pytest.fixture
def bench(tmp_path: Path, ros_domain_id: int) -> Iterator[Bench]:
    with manager_in_process(tmp_path, command_accept_timeout_s=600.0) as (nodes, manager):
        url = f'ws://127.0.0.1:{manager._gateway.port}'
        with connect(url, compression=None) as peer:
            yield Bench(nodes, manager, peer)


def result(task_id: int) -> dict[str, Any]:
    return {'uid': UID, 'cmd_id': task_id, 'success': True, 'result_str': 'V1V2V3'}


def forged(bench: Bench, task_id: int) -> str:
    """Report a result through the gateway and return why it was dropped."""
    bench.say(op='publish', id='r', topic=topics.DEVICE_CMD_RESULT_TOPIC, msg=result(task_id))
    status = bench.hear('status')
    assert status['id'] == 'r'
    return str(status['msg'])


def test_a_device_that_streams_through_the_gateway_and_then_is_on_ros_starts_no_loop(
    bench: Bench,
) -> None:
    assert bench.connect_gateway()['success']

    def is_received() -> bool:
        bench.sample('V1V1')  # Samples before the discovery of the topic are lost.
        return bool(bench.samples)

    bench.nodes.spin_until(is_received)
    refusal = bench.connect_ros()
    assert not refusal.success and "through the link 'gateway'" in refusal.error
    bench.say(
        op='advertise_service', service=f'haive_os/device/uid{UID}/command'
    )  # With this, it can leave without closing the socket of the attacker.
    bench.say(op='unadvertise_service', service=f'haive_os/device/uid{UID}/command')
    bench.confirm()
    assert bench.state() == 'timed out'
    assert bench.connect_ros().success

    publisher = bench.publisher(DeviceStream, TOPIC)
    bench.nodes.spin_until(lambda: bench.node.count_subscribers(TOPIC) == 2)
    bench.nodes.spin_until(lambda: publisher.get_subscription_count() == 2)
    bench.say(op='subscribe', topic=TOPIC)
    bench.confirm()
    bench.samples.clear()
    sent = [f'V{n}V2' for n in range(100)]
    for data in sent:
        bench.sample('V9V9')
        publisher.publish(DeviceStream(uid=UID, data=data))
    heard = [bench.hear('publish')['msg']['data'] for _ in sent]
    bench.confirm()
    bench.nodes.spin_until(lambda: len(bench.samples) >= len(sent))
    assert heard == bench.samples == sent
    assert sum('a sample of' in reason for reason in bench.dropped) == len(sent)


def test_a_gateway_peer_cannot_act_for_a_device_on_ros(bench: Bench) -> None:
    assert bench.connect_ros().success
    task_id = bench.call()
    answer = bench.connect_gateway()
    assert not answer['success'] and "through the link 'ros'" in answer['error']
    assert "through the link 'ros'" in forged(bench, task_id)
    assert task_id in bench.manager.dispatcher.tasks
    bench.publisher(DeviceCommandResult, topics.DEVICE_CMD_RESULT_TOPIC).publish(
        DeviceCommandResult(**result(task_id))
    )
    bench.nodes.spin_until(lambda: task_id not in bench.manager.dispatcher.tasks)
    assert 'has ended' in forged(bench, task_id)


def test_a_ros_node_cannot_act_for_a_device_at_the_gateway(bench: Bench) -> None:
    assert bench.connect_gateway()['success']
    task_id = bench.call()
    publisher = bench.publisher(DeviceCommandResult, topics.DEVICE_CMD_RESULT_TOPIC)
    publisher.publish(DeviceCommandResult(**result(task_id)))
    bench.nodes.spin_until(lambda: bench.dropped)
    assert "through the link 'gateway'" in bench.dropped[-1]
    assert task_id in bench.manager.dispatcher.tasks
    bench.say(op='publish', id='r', topic=topics.DEVICE_CMD_RESULT_TOPIC, msg=result(task_id))
    bench.confirm()
    assert task_id not in bench.manager.dispatcher.tasks
