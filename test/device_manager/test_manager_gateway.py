"""The gateway inside the device manager: sockets on one side, DDS on the other."""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import rclpy
from hos_interfaces.msg import (
    ConnectionInfo,
    DeviceAPICallResult,
    DeviceCommandResult,
    DeviceStream,
)
from hos_interfaces.msg import TypedField as RosTypedField
from hos_interfaces.srv import ConnectDevice, DeviceAPICall, DeviceCommand, DeviceConnectionInfos
from project import ROOT
from rclpy.experimental import EventsExecutor
from rclpy.node import Node
from websockets.sync.client import ClientConnection, connect

from hos_client import Client, Device, DevicePool, Task
from hos_client.backoff import Backoff
from hos_device_layer import topics
from hos_device_layer.qos import DIAGNOSTICS_QOS, EVENT_QOS, RESULT_QOS, SERVICE_QOS
from hos_device_layer.services import (
    CONNECT_DEVICE_SERVICE,
    DEVICE_API_CALL_SERVICE,
    DEVICE_COMMAND_SERVICE,
)

WAIT_S = 150
DELTA = 13212703  # H4001 of the sample
SENSOR = 10761107  # C8101
GANTRY = 13213001  # G1001, whose type takes typed arguments

MOVE = [('x', 'float32', '1'), ('y', 'float32', '2'), ('z', 'float32', '3')]


class ManagerProcess:
    """A device manager as users start it; its gateway is on `url`."""

    def __init__(self, folder: Path, namespace: str = '/', **parameters: object) -> None:
        given = {'gateway_port': 0, 'state_folder': folder, **parameters}
        options = [part for name, value in given.items() for part in ('-p', f'{name}:={value}')]
        options += ['-r', f'__ns:={namespace}']
        self.process = subprocess.Popen(
            [sys.executable, '-m', 'hos_device_layer.device_manager', '--ros-args', *options],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        self.log: list[str] = []
        for line in self.process.stderr:
            self.log.append(line)
            if found := re.search(r'gateway: (ws://\S+)', line):
                self.url = found[1]
                break
        else:
            raise RuntimeError(''.join(self.log))
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(number)
        code = self.process.wait(WAIT_S)
        self._reader.join(WAIT_S)
        assert self.process.stderr is not None
        self.process.stderr.close()
        return code

    def _read(self) -> None:
        assert self.process.stderr is not None
        self.log.extend(self.process.stderr)


class Ros:
    """A node that calls and listens, spun by a thread of its own."""

    def __init__(self) -> None:
        self.node = Node('upper_layer')
        self.received_messages: queue.Queue[tuple[str, Any]] = queue.Queue()
        self._executor = EventsExecutor()
        self._executor.add_node(self.node)
        self._running = True
        self._thread = threading.Thread(target=self._spin)
        self._thread.start()

    def listen(
        self, message_type: Any, topic: str, qos: Any = RESULT_QOS, published: bool = True
    ) -> None:
        """Subscribe, and wait for the publisher where there is one: DDS keeps nothing."""
        subscription = self._on_executor(
            lambda: self.node.create_subscription(
                message_type,
                topic,
                lambda message: self.received_messages.put((topic, message)),
                qos,
            )
        )
        pause = threading.Event()
        while published and not subscription.get_publisher_count():
            pause.wait(0.02)

    def publish_latched(self, topic: str, message: Any) -> None:
        """Publish a message that is kept for late subscribers."""
        publisher = self._on_executor(
            lambda: self.node.create_publisher(type(message), topic, DIAGNOSTICS_QOS)
        )
        publisher.publish(message)

    def call(self, service_type: Any, name: str, **request: Any) -> Any:
        client = self._on_executor(
            lambda: self.node.create_client(service_type, name, qos_profile=SERVICE_QOS)
        )
        assert client.wait_for_service(WAIT_S), name
        answer: queue.Queue[Any] = queue.Queue()

        def start() -> None:
            future = client.call_async(service_type.Request(**request))
            future.add_done_callback(lambda done: answer.put(done.result()))

        # Made once: a second call would be another task.
        self._on_executor(start)
        result = answer.get(timeout=WAIT_S)
        self._on_executor(lambda: self.node.destroy_client(client))
        return result

    def next(self, topic: str) -> Any:
        while True:
            name, message = self.received_messages.get(timeout=WAIT_S)
            if name == topic:
                return message

    def stop(self) -> None:
        self._running = False
        self._executor.create_task(lambda: None)
        self._thread.join(WAIT_S)
        self._executor.shutdown()
        self.node.destroy_node()

    def _on_executor(self, function: Callable[[], Any]) -> Any:
        done: queue.Queue[Any] = queue.Queue()
        self._executor.create_task(lambda: done.put(function()))
        return done.get(timeout=WAIT_S)

    def _spin(self) -> None:
        while self._running:
            self._executor.spin_once(timeout_sec=1.0)


@pytest.fixture(scope='module', autouse=True)
def _ros(ros_domain_id: int) -> Iterator[None]:
    rclpy.init()
    yield
    rclpy.shutdown()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., ManagerProcess]]:
    """Start managers; all that are left running are ended."""
    managers: list[ManagerProcess] = []

    def start(**parameters: object) -> ManagerProcess:
        managers.append(ManagerProcess(tmp_path, **parameters))
        return managers[-1]

    yield start
    codes = [manager.end() for manager in managers if manager.process.poll() is None]
    assert codes == [0] * len(codes)


@pytest.fixture
def manager(start: Callable[..., ManagerProcess]) -> ManagerProcess:
    return start()


@pytest.fixture
def ros() -> Iterator[Ros]:
    ros = Ros()
    yield ros
    ros.stop()


def device_client(url: str, *devices: Device) -> Client:
    pool = DevicePool()
    for device in devices or (Device('H4001', 'DeltaHaive', 'Delta in bay 1', uid=DELTA),):
        pool.add(device)
    return Client(pool, url, backoff=Backoff(0.05, 0.2))


def fields(arguments: list[tuple[str, str, str]]) -> list[Any]:
    return [RosTypedField(name=name, type=kind, data=data) for name, kind, data in arguments]


def received(client: Client) -> Task:
    task = client.receive(WAIT_S)
    assert isinstance(task, Task)
    return task


def say(socket: ClientConnection, **frame: Any) -> None:
    socket.send(json.dumps(frame))


def hear(socket: ClientConnection, op: str) -> dict[str, Any]:
    while True:
        frame: dict[str, Any] = json.loads(socket.recv(timeout=WAIT_S))
        if frame['op'] == op:
            return frame


def test_a_ros_node_calls_a_gateway_device(manager: ManagerProcess, ros: Ros) -> None:
    ros.listen(DeviceAPICallResult, topics.DEVICE_API_CALL_RESULT_TOPIC)
    ros.listen(ConnectionInfo, topics.DEVICE_CONNECTED, EVENT_QOS)
    ros.listen(ConnectionInfo, topics.DEVICE_TIMEOUT, EVENT_QOS)
    with device_client(manager.url) as client:
        assert client.wait_until_connected(WAIT_S)
        answer = ros.call(
            DeviceAPICall,
            DEVICE_API_CALL_SERVICE,
            device_id='H4001',
            function_name='delta_arm_move',
            args=fields(MOVE),
        )
        assert answer.is_valid, answer.error
        task = received(client)
        assert task.cmd_id == answer.task_id
        client.response(task, metadata={'error': 'the door is open'})
        result = ros.next(topics.DEVICE_API_CALL_RESULT_TOPIC)
        assert result.task_id == answer.task_id and not result.success
        assert 'the door is open' in result.error


def test_a_gateway_peer_calls_a_gateway_device(manager: ManagerProcess) -> None:
    with device_client(manager.url) as client, connect(manager.url) as page:
        assert client.wait_until_connected(WAIT_S)
        say(page, op='subscribe', topic=topics.DEVICE_API_CALL_RESULT_TOPIC)
        say(page, op='subscribe', topic=topics.DEVICE_TIMEOUT)
        say(page, op='call_service', id='1', service='haive_os/connected_devices')
        (info,) = hear(page, 'service_response')['values']['device_infos']
        assert info['device_id'] == 'H4001' and info['device_uid'] == DELTA
        say(
            page,
            op='call_service',
            id='2',
            service=DEVICE_API_CALL_SERVICE,
            args={
                'device_id': 'H4001',
                'function_name': 'delta_arm_move',
                'args': [{'name': n, 'type': t, 'data': d} for n, t, d in MOVE],
            },
        )
        answer = hear(page, 'service_response')['values']
        assert answer['is_valid'], answer
        client.response(received(client), metadata={'error': 'no'})
        result = hear(page, 'publish')['msg']
        assert result['task_id'] == answer['task_id'] and result['error'] == 'no'
        say(
            page,
            op='call_service',
            id='3',
            service=DEVICE_API_CALL_SERVICE,
            args={'device_id': 'nobody', 'function_name': 'f'},
        )
        refusal = hear(page, 'service_response')['values']
        assert not refusal['is_valid'] and 'nobody' in refusal['error']
        client.stop()
        assert hear(page, 'publish')['msg']['device_id'] == 'H4001'


def test_streams_of_gateway_devices_exist_in_ros(manager: ManagerProcess, ros: Ros) -> None:
    stream, values = _a_stream('ClimateSensor')
    topic = topics.DEVICE_STREAM_TOPIC(SENSOR, stream)
    ros.listen(DeviceStream, topic, published=False)
    sensor = Device('C8101', 'ClimateSensor', 'climate', uid=SENSOR)
    with (
        device_client(manager.url, sensor) as client,
        connect(manager.url, max_queue=None) as page,
    ):
        assert client.wait_until_connected(WAIT_S)
        say(page, op='subscribe', topic=topic)
        refused = client.event('C8101', stream, 'not a sample')
        assert refused.status == 409 and 'does not fit the stream' in refused.payload
        # The topic comes with the first sample; its readers are found a moment later.
        while ros.received_messages.empty():
            assert client.event('C8101', stream, values)
            try:
                name, message = ros.received_messages.get(timeout=0.1)
            except queue.Empty:
                continue
            assert name == topic and message.uid == SENSOR
            break
        for n in range(500):
            client.event('C8101', stream, values, block=n == 499)
        for _ in range(500):
            assert ros.next(topic).data.startswith('V')
        assert hear(page, 'publish')['topic'] == topic


def test_a_late_peer_receives_the_latched_sample_of_a_ros_device(
    manager: ManagerProcess, ros: Ros
) -> None:
    stream, values = _a_stream('ClimateSensor')
    topic = topics.DEVICE_STREAM_TOPIC(SENSOR, stream)
    sample = ''.join(f'V{value}' for value in values)
    with connect(manager.url) as early:
        say(early, op='subscribe', topic=topic)
        ros.publish_latched(topic, DeviceStream(uid=SENSOR, data=sample))
        assert ros.call(ConnectDevice, CONNECT_DEVICE_SERVICE, uid=SENSOR).success
        assert hear(early, 'publish')['msg'] == {'uid': SENSOR, 'data': sample}
    with connect(manager.url) as late:
        say(late, op='subscribe', topic=topic)
        assert hear(late, 'publish')['msg'] == {'uid': SENSOR, 'data': sample}


def _a_stream(device_type: str) -> tuple[str, list[float]]:
    from hos_device_layer.database import LocalCopy
    from hos_device_layer.database.installed import installed_device_db

    stream = LocalCopy(installed_device_db()).read().streams_of(device_type)[0]
    return stream.name, [(field.low or 0) + 1 for field in stream.values]


def test_command_services_of_gateway_devices_exist_in_ros(
    manager: ManagerProcess, ros: Ros
) -> None:
    ros.listen(DeviceCommandResult, topics.DEVICE_CMD_RESULT_TOPIC, published=False)
    gantry = Device('G1001', 'GantryHaive', 'gantry', uid=GANTRY)
    with device_client(manager.url, gantry) as client:
        assert client.wait_until_connected(WAIT_S)
        client.command('stop')(lambda: None)
        command = {'cmd_id': 4_000_000_000, 'function_name': 'anything', 'num_args': 0, 'args': []}
        answer = ros.call(DeviceCommand, DEVICE_COMMAND_SERVICE(GANTRY), **command)
        assert not answer.is_valid and "does not handle 'anything'" in answer.error
        command['function_name'] = 'stop'
        answer = ros.call(DeviceCommand, DEVICE_COMMAND_SERVICE(GANTRY), **command)
        assert answer.is_valid and answer.error == ''
        result = ros.next(topics.DEVICE_CMD_RESULT_TOPIC)
        assert (result.uid, result.cmd_id, result.success) == (GANTRY, 4_000_000_000, True)
        command['args'] = [RosTypedField(name='x', type='nonsense', data='1')]
        answer = ros.call(DeviceCommand, DEVICE_COMMAND_SERVICE(GANTRY), **command)
        assert not answer.is_valid and 'nonsense' in answer.error


def test_exposing_can_be_switched_off(start: Callable[..., ManagerProcess], ros: Ros) -> None:
    # In a namespace of its own: services of other managers may still be in the ROS graph.
    manager = start(namespace='/unexposed', expose_device_services=False)
    with device_client(manager.url) as client:
        assert client.wait_until_connected(WAIT_S)
        # The answer shows that the services of the manager have been discovered.
        assert ros.call(DeviceConnectionInfos, '/unexposed/haive_os/connected_devices')
        names = {name for name, _ in ros.node.get_service_names_and_types()}
        assert not [name for name in names if name.startswith('/unexposed/haive_os/device/uid')]


def test_a_device_moves_from_ros_to_the_gateway(manager: ManagerProcess, ros: Ros) -> None:
    ros.listen(ConnectionInfo, topics.DEVICE_RECONNECTED, EVENT_QOS)
    assert ros.call(ConnectDevice, CONNECT_DEVICE_SERVICE, uid=DELTA).success
    with device_client(manager.url) as client:
        assert client.wait_until_connected(WAIT_S)
        assert ros.next(topics.DEVICE_RECONNECTED).device_uid == DELTA
        answer = ros.call(
            DeviceAPICall,
            DEVICE_API_CALL_SERVICE,
            device_id='H4001',
            function_name='delta_arm_move',
            args=fields(MOVE),
        )
        assert answer.is_valid and received(client).cmd_id == answer.task_id


def test_a_device_reconnects_to_the_successor_of_a_killed_manager(
    start: Callable[..., ManagerProcess],
) -> None:
    """Its tasks are gone with it, but its devices come back, and late results harm nobody."""
    # DDS believes for 20 s that a killed program is there: it gets names of its own.
    manager = start(namespace='/killed')
    port = int(manager.url.rpartition(':')[2])
    reconnected = threading.Semaphore(0)
    pool = DevicePool()
    pool.add(Device('H4001', 'DeltaHaive', 'Delta in bay 1', uid=DELTA))
    with Client(
        pool, manager.url, backoff=Backoff(0.05, 0.2), on_connect=reconnected.release
    ) as client:
        assert reconnected.acquire(timeout=WAIT_S)
        call_over_gateway(manager.url)
        late = received(client)
        assert manager.end(signal.SIGKILL) == -signal.SIGKILL
        delivered = client.response(late, {}, block=False)
        successor = start(namespace='/killed', gateway_port=port)
        assert reconnected.acquire(timeout=WAIT_S)
        refused = delivered.result(WAIT_S)
        assert refused.status == 409 and 'which is unknown' in refused.payload
        task_id = call_over_gateway(successor.url)
        assert received(client).cmd_id == task_id != late.cmd_id
    assert successor.end() == 0
    assert any('which is unknown' in line for line in successor.log)


def call_over_gateway(url: str) -> int:
    with connect(url) as page:
        say(
            page,
            op='call_service',
            id='1',
            service=DEVICE_API_CALL_SERVICE,
            args={
                'device_id': 'H4001',
                'function_name': 'delta_arm_move',
                'args': [{'name': n, 'type': t, 'data': d} for n, t, d in MOVE],
            },
        )
        answer = hear(page, 'service_response')['values']
        assert answer['is_valid'], answer
        return int(answer['task_id'])


def test_the_example_device(manager: ManagerProcess, ros: Ros) -> None:
    ros.listen(DeviceAPICallResult, topics.DEVICE_API_CALL_RESULT_TOPIC)
    ros.listen(DeviceStream, topics.DEVICE_STREAM_TOPIC(SENSOR, 'climate'), published=False)
    project = ROOT
    example = project / 'examples' / 'python_device.py'
    paths = [str(project), os.environ.get('PYTHONPATH', '')]
    with connect(manager.url, max_queue=None) as page:
        say(page, op='subscribe', topic=topics.DEVICE_CONNECTED)
        with subprocess.Popen(
            [sys.executable, str(example), manager.url],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, 'PYTHONPATH': os.pathsep.join(paths)},
        ) as program:
            try:
                assert hear(page, 'publish')['msg']['device_id'] == 'C8101'
                answer = ros.call(
                    DeviceAPICall,
                    DEVICE_API_CALL_SERVICE,
                    device_id='C8101',
                    function_name='climate_read',
                )
                assert answer.is_valid, answer.error
                result = ros.next(topics.DEVICE_API_CALL_RESULT_TOPIC)
                assert result.success, result.error
                assert json.loads(result.result_jsons)['pressure'] == 1013
                sample = ros.next(topics.DEVICE_STREAM_TOPIC(SENSOR, 'climate'))
                assert set(json.loads(sample.data)) == {'temperature', 'humidity'}
            except BaseException:
                program.kill()
                raise
            program.send_signal(signal.SIGINT)
            _, errors = program.communicate(timeout=WAIT_S)
    assert program.returncode == 0 and 'Traceback' not in errors


def test_with_a_port_in_use_the_manager_runs_without_the_gateway(
    manager: ManagerProcess, tmp_path: Path, ros: Ros
) -> None:
    port = manager.url.rpartition(':')[2]
    options = ['-p', f'gateway_port:={port}', '-p', f'state_folder:={tmp_path / "b"}']
    options += ['-r', '__ns:=/second']
    with subprocess.Popen(
        [sys.executable, '-m', 'hos_device_layer.device_manager', '--ros-args', *options],
        stderr=subprocess.PIPE,
        text=True,
    ) as second:
        assert second.stderr is not None
        for line in second.stderr:
            if 'gateway_port' in line:
                break
        else:
            pytest.fail('it did not say what is wrong')
        second.send_signal(signal.SIGINT)
        assert second.wait(WAIT_S) == 0
