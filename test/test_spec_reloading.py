"""Another specification for a running device manager, over DDS."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import rclpy
from hos_interfaces.msg import ConnectionInfo, DeviceAPICallResult, DeviceCommandResult
from hos_interfaces.srv import ConnectDevice, DeviceAPICall, DeviceCommand
from rclpy.experimental import EventsExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger

from hos_device_layer import services, topics
from hos_device_layer.core.spec.tables import Row, Tables
from hos_device_layer.database import LocalCopy, source
from hos_device_layer.database.airtable.rate_limiter import RequestPolicy
from hos_device_layer.device_manager import DeviceManager
from hos_device_layer.qos import EVENT_QOS, RESULT_QOS, SERVICE_QOS
from hos_device_layer.testing.airtable import RunningAirtable, running_airtable

D1: Row = {'device_id': 'D1', 'device_uid': 1, 'device_type': 'Typed'}
D2: Row = {'device_id': 'D2', 'device_uid': 2, 'device_type': 'Typed'}
GO: Row = {'function_name': 'go', 'results': ['x:int32'], 'device_types': ['Typed']}


def tables(devices: list[Row], function: Row = GO) -> Tables:
    return {
        'devices': [{'device_type': 'Typed'}],
        'apis': [function],
        'serializers': [],
        'streams': [],
        'fleet-a': devices,
    }


@pytest.fixture(autouse=True)
def _ros(ros_domain_id: int) -> Iterator[None]:
    rclpy.init()
    yield
    rclpy.shutdown()


@pytest.fixture
def copy(tmp_path: Path) -> LocalCopy:
    return LocalCopy(tmp_path / 'copy')


class ManagerInProcess:
    """A device manager, and a node that plays its devices and its callers."""

    def __init__(self, folder: Path, device_db: str, interval_s: float = 0.0) -> None:
        values = {
            'fleet': 'a',
            'device_db': device_db,
            'device_db_path': str(folder),
            'device_db_follow_interval_s': interval_s,
            'state_folder': str(folder.parent / 'state'),
            'gateway_enabled': False,
        }
        overrides = [Parameter(name, value=value) for name, value in values.items()]
        self.manager = DeviceManager(parameter_overrides=overrides)
        self.node = Node('peer')
        self.executor = EventsExecutor()
        for node in (self.manager, self.node):
            self.executor.add_node(node)
        self.commands: list[Any] = []
        self.results: list[Any] = []
        self.events: list[tuple[str, str]] = []
        self.node.create_service(
            DeviceCommand, services.DEVICE_COMMAND_SERVICE(1), self._on_command
        )
        self.result_publisher = self.node.create_publisher(
            DeviceCommandResult, topics.DEVICE_CMD_RESULT_TOPIC, RESULT_QOS
        )
        self.node.create_subscription(
            DeviceAPICallResult,
            topics.DEVICE_API_CALL_RESULT_TOPIC,
            self.results.append,
            RESULT_QOS,
        )
        for topic in (topics.DEVICE_CONNECTED, topics.DEVICE_DISCONNECTED):
            self.node.create_subscription(ConnectionInfo, topic, self._noting(topic), EVENT_QOS)

    def _on_command(self, request: Any, response: Any) -> Any:
        self.commands.append(request)
        response.is_valid = True
        return response

    def _noting(self, topic: str) -> Callable[[Any], None]:
        return lambda info: self.events.append((topic.rpartition('/')[2], info.device_id))

    def until(self, condition: Callable[[], object]) -> None:
        while not condition():
            self.executor.spin_once(timeout_sec=0.05)

    def ask(self, kind: Any, name: str, **request: Any) -> Any:
        client = self.node.create_client(kind, name, qos_profile=SERVICE_QOS)
        self.until(client.service_is_ready)
        future = client.call_async(kind.Request(**request))
        self.until(future.done)
        self.node.destroy_client(client)
        return future.result()

    def connect(self, uid: int) -> Any:
        return self.ask(ConnectDevice, services.CONNECT_DEVICE_SERVICE, uid=uid)

    def call(self) -> Any:
        return self.ask(
            DeviceAPICall,
            services.DEVICE_API_CALL_SERVICE,
            device_id='D1',
            function_name='go',
        )

    def reload(self) -> Any:
        return self.ask(Trigger, services.DEVICE_DB_RELOAD_SERVICE)

    def report(self, task_id: int, values: object) -> None:
        self.result_publisher.publish(
            DeviceCommandResult(uid=1, cmd_id=task_id, success=True, result_str=json.dumps(values))
        )

    def end(self) -> None:
        self.manager.stop()
        # An executor that is not shut down keeps its nodes, which go on taking requests.
        self.executor.shutdown()
        for node in (self.manager, self.node):
            node.destroy_node()


@pytest.fixture
def running(copy: LocalCopy) -> Iterator[ManagerInProcess]:
    copy.write(tables([D1]))
    running = ManagerInProcess(copy.folder, 'local')
    answer = running.connect(1)
    assert answer.success, answer.error
    yield running
    running.end()


def test_a_reload_without_a_change_says_so(running: ManagerInProcess) -> None:
    answer = running.reload()
    assert answer.success
    assert answer.message.endswith(': nothing changed')


def test_a_running_task_keeps_the_definition_it_started_with(
    running: ManagerInProcess, copy: LocalCopy
) -> None:
    old = running.call().task_id
    running.until(lambda: running.commands)
    copy.write(tables([D1], {**GO, 'results': ['y:string']}))
    message = running.reload().message
    assert message.endswith(
        "1 change: table 'apis', row 'go', column 'results': changed from 'x:int32' to 'y:string'"
    )

    new = running.call().task_id
    running.report(old, {'x': 5})
    running.report(new, {'y': 'five'})
    running.until(lambda: len(running.results) == 2)
    assert [(r.task_id, r.success, json.loads(r.result_jsons)) for r in running.results] == [
        (old, True, {'x': 5}),
        (new, True, {'y': 'five'}),
    ]


def test_a_waiting_device_is_connected_when_its_row_is_added(
    running: ManagerInProcess, copy: LocalCopy
) -> None:
    refused = running.connect(2)
    assert not refused.success
    assert "add it to the table 'fleet-a'" in refused.error
    copy.write(tables([D1, D2]))
    assert "row 'D2': added" in running.reload().message
    running.until(lambda: ('connected', 'D2') in running.events)


def test_a_removed_device_is_disconnected_with_the_reason(
    running: ManagerInProcess, copy: LocalCopy
) -> None:
    task_id = running.call().task_id
    copy.write(tables([D2]))
    assert "row 'D1': removed" in running.reload().message
    running.until(lambda: running.results and ('disconnected', 'D1') in running.events)
    (result,) = running.results
    assert (result.task_id, result.success) == (task_id, False)
    assert 'its row in the fleet was changed' in result.error


def test_the_valid_rows_of_a_specification_with_problems_are_used(
    running: ManagerInProcess, copy: LocalCopy
) -> None:
    assert not running.connect(2).success
    copy.write(tables([D1, D2], {**GO, 'results': ['x:int33']}))
    message = running.reload().message
    assert "row 'go', column 'results': rejected: " in message
    assert "row 'D2': added" in message
    assert "unknown type 'int33'" in running.call().error


def test_a_specification_that_cannot_be_read_changes_nothing(
    running: ManagerInProcess, copy: LocalCopy
) -> None:
    copy.folder.rename(copy.folder.with_name('elsewhere'))
    answer = running.reload()
    assert not answer.success
    assert answer.message.startswith('the specification was not changed: there is no local copy')
    assert running.call().is_valid


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningAirtable]:
    with running_airtable() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


def test_a_followed_base_is_reloaded_after_a_change(
    server: RunningAirtable, copy: LocalCopy, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hos_device_layer import spec_reloading
    from hos_device_layer.database.airtable.init import init_base
    from hos_device_layer.database.airtable.matching import RememberedIds
    from hos_device_layer.database.airtable.push import push_tables

    quick = RequestPolicy(requests=10_000)
    monkeypatch.setattr(spec_reloading, '_POLICY', quick)
    airtable = source.open_airtable(policy=quick)
    init_base(airtable, RememberedIds(), ['fleet-a'])
    push_tables(airtable, tables([D1]), RememberedIds())

    running = ManagerInProcess(copy.folder, 'airtable', interval_s=0.05)
    assert running.manager.dispatcher.devices.keys() == {'D1'}
    server.set_cell('fleet-a', 'D1', 'device_uid', 7)
    running.until(lambda: running.manager.dispatcher.devices['D1'].uid == 7)
    running.end()
