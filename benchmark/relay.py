"""
The baseline of `calls`: a relay with the messages and ROS entities of the device manager.

It has no checks, no timeouts and no state except the next task id.
"""

from __future__ import annotations

import itertools
import sys
from typing import Any

from hos_interfaces.msg import DeviceAPICallResult, DeviceCommandResult, DeviceStream
from hos_interfaces.srv import ConnectDevice, DeviceAPICall, SerializedDeviceCommand
from rclpy.node import Node
from std_msgs.msg import UInt32

from hos_device_layer import services, topics
from hos_device_layer.qos import PING_QOS, RESULT_QOS, SERVICE_QOS, stream_offers, stream_qos
from hos_device_layer.spinning import run_node

from .fleet_spec import FIRST_UID, device_id


class CallRelay(Node):
    """Forwards calls to `device_count` devices and their results to the callers."""

    def __init__(self, device_count: int) -> None:
        super().__init__('relay')
        self._task_ids = itertools.count(1)
        self._results = self.create_publisher(
            DeviceAPICallResult, topics.DEVICE_API_CALL_RESULT_TOPIC, RESULT_QOS
        )
        self._commands = {}
        for i in range(device_count):
            uid = FIRST_UID + i
            self._commands[device_id(i)] = self.create_client(
                SerializedDeviceCommand,
                services.SERIALIZED_DEVICE_COMMAND_SERVICE(uid),
                qos_profile=SERVICE_QOS,
            )
            topic = topics.DEVICE_STREAM_TOPIC(uid, 'position')
            profile = stream_qos(stream_offers(self, topic))
            self.create_subscription(DeviceStream, topic, _ignore, profile)
        self.create_subscription(UInt32, topics.DEVICE_PING_TOPIC, _ignore, PING_QOS)
        self.create_subscription(
            DeviceCommandResult, topics.DEVICE_CMD_RESULT_TOPIC, self._on_result, RESULT_QOS
        )
        self.create_service(
            ConnectDevice, services.CONNECT_DEVICE_SERVICE, _accept, qos_profile=SERVICE_QOS
        )
        self._undiscovered = list(self._commands.values())
        self._discovery = self.create_timer(0.1, self._serve_when_discovered)

    def _serve_when_discovered(self) -> None:
        # Messages before discovery are lost, and the relay does not repeat them.
        self._undiscovered = [c for c in self._undiscovered if not c.service_is_ready()]
        is_connected = (
            self._results.get_subscription_count()
            and self.count_publishers(topics.DEVICE_CMD_RESULT_TOPIC)
            and not self._undiscovered
        )
        if is_connected:
            self._discovery.cancel()
            self.create_service(
                DeviceAPICall,
                services.DEVICE_API_CALL_SERVICE,
                self._on_call,
                qos_profile=SERVICE_QOS,
            )

    def _on_call(self, request: Any, response: Any) -> Any:
        task_id = next(self._task_ids)
        command = SerializedDeviceCommand.Request(
            cmd_id=task_id, serialized_command='A1B2C3', function_name=request.function_name
        )
        self._commands[request.device_id].call_async(command)
        response.is_valid = True
        response.task_id = task_id
        return response

    def _on_result(self, message: Any) -> None:
        self._results.publish(
            DeviceAPICallResult(
                task_id=message.cmd_id, success=True, result_jsons=message.result_str
            )
        )


def _accept(_request: Any, response: Any) -> Any:
    response.success = True
    return response


def _ignore(_message: Any) -> None:
    pass


def main() -> int:
    """Run the relay until SIGINT or SIGTERM; returns the exit code."""
    return run_node('relay', lambda: CallRelay(int(sys.argv[1])), [])


if __name__ == '__main__':
    sys.exit(main())
