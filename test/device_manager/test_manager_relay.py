"""ROS nodes that command a gateway device directly, without a task."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hos_interfaces.msg import DeviceCommandResult, TypedField
from hos_interfaces.srv import DeviceCommand
from node_in_process import NodesInProcess, manager_in_process
from rclpy.node import Node
from rclpy.task import Future
from websockets.sync.client import ClientConnection, connect

from hos_device_layer import qos, topics
from hos_device_layer.core.dispatch.calls import TypedField as CallField
from hos_device_layer.core.dispatch.effects import LogDropped
from hos_device_layer.core.dispatch.events import CallRequested
from hos_device_layer.services import CONNECT_DEVICE_SERVICE, DEVICE_COMMAND_SERVICE

UID = 13213001  # G1001 of the sample, a gantry: it takes typed arguments.
SERVICE = DEVICE_COMMAND_SERVICE(UID)


class Bench:
    """A device manager in the process, a gateway device and a ROS node that commands it."""

    def __init__(self, nodes: NodesInProcess, manager: Any, device: ClientConnection) -> None:
        self.nodes = nodes
        self.manager = manager
        self.device = device
        self.dropped: list[str] = []
        manager._performers[LogDropped] = lambda effect: self.dropped.append(effect.reason)
        self.node = nodes.add(Node, 'commander')
        self.results: list[DeviceCommandResult] = []
        self.node.create_subscription(
            DeviceCommandResult,
            topics.DEVICE_CMD_RESULT_TOPIC,
            self.results.append,
            qos.RESULT_QOS,
        )
        self.client = self.node.create_client(DeviceCommand, SERVICE, qos_profile=qos.SERVICE_QOS)
        self.say(op='call_service', service=CONNECT_DEVICE_SERVICE, args={'uid': UID})
        assert self.hear('service_response')['values']['success']
        nodes.spin_until(self.client.service_is_ready)

    def say(self, **frame: Any) -> None:
        self.device.send(json.dumps(frame))

    def hear(self, op: str) -> dict[str, Any]:
        """Run the device manager until the device receives a frame."""
        frames: list[dict[str, Any]] = []

        def is_received() -> bool:
            try:
                frames.append(json.loads(self.device.recv(timeout=0.01)))
            except TimeoutError:
                return False
            return bool(frames[-1]['op'] == op)

        self.nodes.spin_until(is_received)
        return frames[-1]

    def advertise(self) -> None:
        self.say(op='advertise_service', service=SERVICE)
        self.confirm()

    def confirm(self) -> None:
        """Wait until everything that the device has sent is handled."""
        self.say(op='confirm')
        self.hear('confirm')

    def command(self, cmd_id: int) -> Future:
        """Command the device from ROS; returns the future of the answer."""
        field = TypedField(name='x', type='float64', data='1')
        return self.client.call_async(
            DeviceCommand.Request(
                cmd_id=cmd_id, function_name='gantry_move', num_args=1, args=[field]
            )
        )

    def wait_for_command(self) -> None:
        """Wait until the gateway has received a command, which waits for its service."""
        sessions = self.manager._gateway._gateway._broker._devices
        channel = sessions.session(UID).channels[UID]
        self.nodes.spin_until(lambda: channel._waiting)

    def answer(self, future: Future) -> Any:
        self.nodes.spin_until(future.done)
        return future.result()

    def accept(self, call: dict[str, Any]) -> None:
        self.say(op='service_response', id=call['id'], service=SERVICE, result=True)

    def report(self, cmd_id: int, result: str = 'V5') -> None:
        message = {'uid': UID, 'cmd_id': cmd_id, 'success': True, 'result_str': result}
        self.say(op='publish', topic=topics.DEVICE_CMD_RESULT_TOPIC, msg=message)

    def call(self) -> int:
        """Call a function of the device through the manager and return the id of its task."""
        kinds = {'x': 'float64', 'y': 'float64', 'speed': 'uint16'}
        fields = tuple(CallField(name, kind, '1') for name, kind in kinds.items())
        answer = self.manager.handle_event('', CallRequested('G1001', 'gantry_move', fields))
        assert answer.is_valid, answer.error
        return int(answer.task_id)


@pytest.fixture
def bench(tmp_path: Path, ros_domain_id: int) -> Iterator[Bench]:
    yield from _bench(tmp_path, command_accept_timeout_s=600.0)


@pytest.fixture
def impatient_bench(tmp_path: Path, ros_domain_id: int) -> Iterator[Bench]:
    yield from _bench(tmp_path, command_accept_timeout_s=0.1)


def _bench(tmp_path: Path, **parameters: float) -> Iterator[Bench]:
    with manager_in_process(tmp_path, **parameters) as (nodes, manager):
        url = f'ws://127.0.0.1:{manager._gateway.port}'
        with connect(url, compression=None) as device:
            yield Bench(nodes, manager, device)


# The device's socket dies


def test_a_caller_is_answered_if_the_device_dies_before_it_serves_commands(bench: Bench) -> None:
    future = bench.command(1)
    bench.wait_for_command()
    bench.device.socket.close()
    assert 'lost its connection' in bench.answer(future).error


def test_callers_are_answered_if_the_device_dies_with_their_commands(bench: Bench) -> None:
    bench.advertise()
    futures = [bench.command(n) for n in range(100)]  # More than are sent at a time.
    bench.hear('call_service')
    bench.device.socket.close()
    for future in futures:
        answer = bench.answer(future)
        assert not answer.is_valid and 'lost its connection' in answer.error
    assert 'lost its connection' in bench.answer(bench.command(1)).error


def test_a_caller_is_answered_if_the_device_does_not_answer(impatient_bench: Bench) -> None:
    impatient_bench.advertise()
    answer = impatient_bench.answer(impatient_bench.command(1))
    assert not answer.is_valid and 'did not answer within 0.1 s' in answer.error


def test_a_caller_is_answered_if_the_device_dies_while_its_command_is_on_its_way(
    bench: Bench,
) -> None:
    bench.advertise()
    future = bench.command(1)
    bench.device.socket.close()
    assert not bench.answer(future).is_valid


# Ids and results


def test_a_command_from_ros_cannot_end_a_task(bench: Bench) -> None:
    bench.advertise()
    task_id = bench.call()
    bench.accept(bench.hear('call_service'))
    # A caller in ROS happens to choose the same id.
    future = bench.command(task_id)
    relayed = bench.hear('call_service')
    assert relayed['args']['cmd_id'] != task_id
    bench.accept(relayed)
    assert bench.answer(future).is_valid
    bench.report(relayed['args']['cmd_id'])
    bench.nodes.spin_until(lambda: bench.results)
    (result,) = bench.results
    assert (result.cmd_id, result.result_str) == (task_id, 'V5')
    assert task_id in bench.manager.dispatcher.tasks
    bench.report(task_id, 'V1V2V3')
    bench.nodes.spin_until(lambda: task_id not in bench.manager.dispatcher.tasks)


def test_the_result_of_a_relayed_command_is_not_logged_as_dropped(bench: Bench) -> None:
    bench.advertise()
    futures = [bench.command(n) for n in range(50)]
    for _ in futures:
        call = bench.hear('call_service')
        bench.report(call['args']['cmd_id'])  # It is also the answer.
    for future in futures:
        assert bench.answer(future).is_valid
    bench.nodes.spin_until(lambda: len(bench.results) == len(futures))
    forger = bench.node.create_publisher(
        DeviceCommandResult, topics.DEVICE_CMD_RESULT_TOPIC, qos.RESULT_QOS
    )
    bench.nodes.spin_until(lambda: forger.get_subscription_count() == 2)
    forger.publish(DeviceCommandResult(uid=UID, cmd_id=4711, success=True))
    bench.nodes.spin_until(lambda: bench.dropped)
    (reason,) = bench.dropped
    assert '4711' in reason
