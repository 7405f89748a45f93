"""A device manager whose specification a test changes, with a device and a caller."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import rclpy
from hos_interfaces.msg import ConnectionInfo, DeviceAPICallResult, DeviceCommandResult
from hos_interfaces.srv import ConnectDevice, DeviceAPICall, DeviceCommand
from rclpy.experimental import EventsExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger

from hos_device_layer import services, topics
from hos_device_layer.core.spec.tables import Row, Tables
from hos_device_layer.device_manager import DeviceManager
from hos_device_layer.qos import EVENT_QOS, RESULT_QOS, SERVICE_QOS

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


class ManagerInProcess:
    """A device manager, and a node that plays its devices and its callers; initializes rclpy."""

    def __init__(self, folder: Path, device_db: str, interval_s: float = 0.0) -> None:
        values = {
            'fleet': 'a',
            'device_db': device_db,
            'device_db_path': str(folder),
            'device_db_follow_interval_s': interval_s,
            'state_folder': str(folder.parent / 'state'),
            'gateway_enabled': False,
            'claim_wait_s': 0.0,
        }
        rclpy.init()
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

    def findings(self) -> str:
        return ' | '.join(finding.text for finding in self.manager._reloading.findings())

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
        rclpy.shutdown()
