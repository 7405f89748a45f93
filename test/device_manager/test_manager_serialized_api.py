"""Commands of a connected device while `serialized_api` of its type is changed, on both links."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hos_interfaces.msg import DeviceAPICallResult
from node_in_process import NodesInProcess, manager_in_process
from rclpy.node import Node
from websockets.sync.client import ClientConnection, connect

from hos_device_layer import services, topics
from hos_device_layer.core.dispatch.calls import TypedField
from hos_device_layer.core.dispatch.events import CallRequested, ConnectRequested
from hos_device_layer.links.ros import ROS_LINK
from hos_device_layer.qos import RESULT_QOS

# The arm of the sample takes serialized commands.
UID, DEVICE_ID, DEVICE_TYPE = 13212703, 'H4001', 'DeltaHaive'
MOVE = tuple(TypedField(name, 'float32', '1') for name in 'xyz')
CHANGED = "serialized_api of the device type 'DeltaHaive' was changed before 'H4001' accepted"


class Bench:
    """A device manager, and the results that its callers receive."""

    def __init__(self, nodes: NodesInProcess, manager: Any) -> None:
        self.nodes = nodes
        self.manager = manager
        self.results: dict[int, Any] = {}
        caller = nodes.add(Node, 'caller')
        caller.create_subscription(
            DeviceAPICallResult,
            topics.DEVICE_API_CALL_RESULT_TOPIC,
            lambda result: self.results.update({result.task_id: result}),
            RESULT_QOS,
        )
        nodes.spin_until(lambda: caller.count_publishers(topics.DEVICE_API_CALL_RESULT_TOPIC))

    def call(self) -> int:
        answer = self.manager.handle_event('', CallRequested(DEVICE_ID, 'delta_arm_move', MOVE))
        assert answer.is_valid, answer.error
        return int(answer.task_id)

    def error(self, task_id: int) -> str:
        self.nodes.spin_until(lambda: task_id in self.results)
        return str(self.results[task_id].error)

    def set_serialized(self, serialized: bool) -> None:
        spec = self.manager.dispatcher.spec
        changed = msgspec.structs.replace(
            spec.device_types[DEVICE_TYPE], serialized_api=serialized
        )
        types = {**spec.device_types, DEVICE_TYPE: changed}
        self.manager.replace_spec(msgspec.structs.replace(spec, device_types=types))


@pytest.fixture
def bench(tmp_path: Path, ros_domain_id: int) -> Iterator[Bench]:
    # A command that nobody accepts would end by itself only after the test.
    with manager_in_process(tmp_path, command_accept_timeout_s=600.0) as (nodes, manager):
        yield Bench(nodes, manager)


def test_a_command_that_is_held_for_a_ros_device_ends_at_once(bench: Bench) -> None:
    bench.manager.handle_event(ROS_LINK, ConnectRequested(UID))
    task_id = bench.call()
    bench.set_serialized(False)
    assert bench.error(task_id).startswith(CHANGED)


def send(device: ClientConnection, **frame: object) -> None:
    device.send(json.dumps(frame))


def test_a_command_that_a_gateway_device_has_not_answered_ends_at_once(bench: Bench) -> None:
    is_connected = bench.manager.dispatcher.connections.connected
    with connect(f'ws://127.0.0.1:{bench.manager._gateway.port}') as device:
        send(
            device,
            op='advertise_service',
            service=services.SERIALIZED_DEVICE_COMMAND_SERVICE(UID),
        )
        send(device, op='call_service', service=services.CONNECT_DEVICE_SERVICE, args={'uid': UID})
        bench.nodes.spin_until(is_connected)
        task_id = bench.call()
        bench.set_serialized(False)
        assert bench.error(task_id).startswith(CHANGED)
        # The device serves the other kind only, until it is restarted with other firmware.
        refusal = bench.error(bench.call())
        assert 'serves hos_interfaces/SerializedDeviceCommand only' in refusal
        assert 'set or clear serialized_api of its device type' in refusal
        bench.set_serialized(True)
        task_id = bench.call()
        frame: dict[str, Any] = {}
        while frame.get('args', {}).get('cmd_id') != task_id:
            frame = json.loads(device.recv(40))
        result = {'uid': UID, 'cmd_id': task_id, 'success': True, 'result_str': 'V1V1V1'}
        send(device, op='publish', topic=topics.DEVICE_CMD_RESULT_TOPIC, msg=result)
        assert bench.error(task_id) == ''
