"""The ROS proxies of gateway devices: their command services and stream topics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from hos_interfaces.msg import DeviceCommandResult, DeviceStream
from hos_interfaces.srv import DeviceCommand, SerializedDeviceCommand
from rclpy.node import Node
from rclpy.publisher import Publisher

from ...core.dispatch.commands import Command
from ...core.dispatch.events import ResultReported
from ...core.spec.field_types import Field, FieldType
from ...core.spec.records import Function
from ...core.text import without_nul
from ...qos import NO_PUBLISHER_EVENTS, RESULT_QOS
from ...services import DEVICE_COMMAND_SERVICE, SERIALIZED_DEVICE_COMMAND_SERVICE
from ...topics import DEVICE_CMD_RESULT_TOPIC, DEVICE_STREAM_TOPIC
from ..published_results import PublishedResults
from ..ros.deferred_service import DeferredResponse, DeferredService
from .command_relay import AnswerCallback

# Sends a command of a ROS node; the callback receives the answer.
RelayCommand = Callable[[Command, AnswerCallback], None]


class DeviceProxies:
    """
    The ROS entities of gateway devices; there are no services if `send` is None.

    The publisher of a stream is created with its first sample.
    """

    def __init__(self, node: Node, send: RelayCommand | None, published: PublishedResults) -> None:
        self._node = node
        self._send = send
        self._services: dict[int, _CommandService] = {}
        self._streams: dict[int, dict[str, Publisher]] = {}
        self._published = published
        self._results: Publisher | None = None

    def open(self, uid: int, serialized: bool) -> None:
        """Serve the commands of a device."""
        service = self._services.get(uid)
        if self._send is None or (service is not None and service.serialized is serialized):
            return
        if service is not None:
            service.destroy(
                f'the device with uid {uid} has not answered, and its command service was '
                'replaced because serialized_api of its device type was changed'
            )
        self._services[uid] = _CommandService(self._node, uid, serialized, self._send)

    def close(self, uid: int) -> None:
        """Free the entities of a device."""
        if service := self._services.pop(uid, None):
            service.destroy(f'the device with uid {uid} was disconnected before it answered')
        for publisher in self._streams.pop(uid, {}).values():
            self._node.destroy_publisher(publisher)

    def refuse_all(self, reason: str) -> None:
        """Refuse the commands that the devices have not answered."""
        for service in self._services.values():
            service.refuse_all(reason)

    def publish_sample(self, uid: int, stream_name: str, data: str) -> None:
        """Publish a sample."""
        streams = self._streams.setdefault(uid, {})
        publisher = streams.get(stream_name)
        if publisher is None:
            topic = DEVICE_STREAM_TOPIC(uid, stream_name)
            publisher = streams[stream_name] = self._node.create_publisher(
                DeviceStream, topic, RESULT_QOS, event_callbacks=NO_PUBLISHER_EVENTS
            )
        publisher.publish(DeviceStream(uid=uid, data=data))

    def publish_result(self, result: ResultReported) -> None:
        """Publish the result of a command that a ROS node sent to a device."""
        if self._results is None:
            self._results = self._node.create_publisher(
                DeviceCommandResult, DEVICE_CMD_RESULT_TOPIC, RESULT_QOS
            )
        result = msgspec.structs.replace(
            result,
            error=without_nul(result.error),
            result_str=without_nul(result.result_str),
        )
        self._published.add(result)
        self._results.publish(DeviceCommandResult(**msgspec.structs.asdict(result)))


class _CommandService:
    """A command service that sends its response when the device has answered."""

    def __init__(self, node: Node, uid: int, serialized: bool, send: RelayCommand) -> None:
        self.serialized = serialized
        self._uid = uid
        self._send = send
        service_type: Any = SerializedDeviceCommand if serialized else DeviceCommand
        name = SERIALIZED_DEVICE_COMMAND_SERVICE if serialized else DEVICE_COMMAND_SERVICE
        self._service = DeferredService(node, service_type, name(uid), self._on_request)

    def refuse_all(self, reason: str) -> None:
        """Refuse the commands that the device has not answered."""
        self._service.answer_all(lambda message: _fill(message, False, reason))

    def destroy(self, reason: str) -> None:
        """Refuse the commands that the device has not answered, and end."""
        self.refuse_all(reason)
        self._service.destroy()

    def _on_request(self, request: Any, response: DeferredResponse) -> None:
        def answer(is_valid: bool, error: str) -> None:
            _fill(response.message, is_valid, error)
            response.send()

        try:
            command = _command(self._uid, request, self.serialized)
        except ValueError as error:
            answer(False, f'invalid arguments: {error}')
        else:
            self._send(command, answer)


def _fill(message: Any, is_valid: bool, error: str) -> None:
    message.is_valid, message.error = is_valid, error


def _command(uid: int, request: Any, serialized: bool) -> Command:
    if serialized:
        function = Function(request.function_name)
        return Command(request.cmd_id, uid, function, (), request.serialized_command)
    fields = tuple(Field(field.name, FieldType(field.type)) for field in request.args)
    function = Function(request.function_name, fields)
    return Command(request.cmd_id, uid, function, tuple(f.data for f in request.args), None)
