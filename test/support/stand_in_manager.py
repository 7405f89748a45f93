"""A device manager without devices, for tests of callers: a call says how it ends."""

from __future__ import annotations

import itertools
import os
import socket
import sys
import uuid
from typing import Any

from hos_interfaces.msg import DeviceAPICallResult, DeviceDescription, DeviceManagerStatus
from hos_interfaces.srv import DescribeDevices, DeviceAPICall
from rclpy.node import Node

from hos_device_layer import services, topics
from hos_device_layer.core.dispatch.results import to_json
from hos_device_layer.qos import RESULT_QOS, SERVICE_QOS, STATUS_QOS
from hos_device_layer.spinning import run_node

# Functions with a special behaviour; calls of others are accepted and finished later.
REPORTS_BEFORE_IT_ANSWERS = 'reports_before_it_answers'
FAILS = 'fails'
REFUSED = 'refused'
FINISHES_ALL = 'finishes_all'


class StandInManager(Node):
    """Returns the arguments of each call, as texts, as its result."""

    def __init__(self, **options: Any) -> None:
        super().__init__('device_manager', **options)
        self.running: dict[int, Any] = {}
        self.requests: list[Any] = []
        self.descriptions = 0
        self._task_ids = itertools.count(1)
        self._status = self.create_publisher(
            DeviceManagerStatus, topics.DEVICE_MANAGER_STATUS_TOPIC, STATUS_QOS
        )
        self._publisher = self.create_publisher(
            DeviceAPICallResult, topics.DEVICE_API_CALL_RESULT_TOPIC, RESULT_QOS
        )
        self.create_service(
            DeviceAPICall,
            services.DEVICE_API_CALL_SERVICE,
            self._on_call,
            qos_profile=SERVICE_QOS,
        )

        self.create_service(DescribeDevices, services.DESCRIBE_DEVICES_SERVICE, self._on_describe)
        self.publish_status()

    def publish_status(self, **fields: Any) -> None:
        """Publish that this manager serves; `fields` differ from what is true of it."""
        status = {'host': socket.gethostname(), 'pid': os.getpid(), 'manager_id': uuid.uuid4().hex}
        self._status.publish(DeviceManagerStatus(**({'is_serving': True} | status | fields)))

    def finish_all(self) -> None:
        """Publish the results of the running calls, the newest first."""
        while self.running:
            self._finish(*self.running.popitem())

    def publish(self, task_id: int, **fields: Any) -> None:
        self._publisher.publish(DeviceAPICallResult(task_id=task_id, **fields))

    def _on_describe(self, request: Any, response: Any) -> Any:
        self.descriptions += 1
        devices = [task.device_id for task in self.running.values()]
        response.devices = [
            DeviceDescription(device_id=device_id, tasks=devices.count(device_id))
            for device_id in request.device_ids
        ]
        return response

    def _on_call(self, request: Any, response: Any) -> Any:
        if not request.device_id:
            response.error = 'no device'
            return response
        self.requests.append(request)
        if request.function_name == REFUSED:
            response.error = f'no device {request.device_id!r}'
            return response
        response.is_valid = True
        response.task_id = next(self._task_ids)
        if request.function_name == REPORTS_BEFORE_IT_ANSWERS:
            self._finish(response.task_id, request)
        elif request.function_name == FINISHES_ALL:
            self._finish(response.task_id, request)
            self.finish_all()
        elif request.function_name == FAILS:
            self.publish(response.task_id, error='the lid is open')
        else:
            self.running[response.task_id] = request
        return response

    def _finish(self, task_id: int, request: Any) -> None:
        values = {field.name: field.data for field in request.args}
        self.publish(task_id, success=True, result_jsons=to_json(values))


if __name__ == '__main__':
    sys.exit(run_node('stand_in_manager', StandInManager))
