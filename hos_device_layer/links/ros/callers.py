"""The interface for ROS nodes that call devices: API calls, results, connection events."""

from __future__ import annotations

from typing import Any

from hos_interfaces.msg import ConnectionInfo, DeviceAPICallResult
from hos_interfaces.srv import DeviceAPICall, DeviceConnectionInfos
from rclpy.duration import Duration
from rclpy.node import Node

from ... import topics
from ...core.dispatch.calls import TypedField
from ...core.dispatch.effects import (
    CallAnswer,
    DevicesAnswer,
    PublishConnectionEvent,
    PublishResult,
)
from ...core.dispatch.events import CallRequested, DevicesRequested
from ...core.spec.records import FleetDevice
from ...qos import EVENT_QOS, RESULT_QOS
from ...services import DEVICE_API_CALL_SERVICE, DEVICE_CONNECTION_INFOS_SERVICE
from ...serving import serve
from ..event_topics import CONNECTION_EVENT_TOPICS
from ..link import Handle, Publication

# How long the last results may take to reach their subscribers when the manager stops [s].
_FLUSH_S = 0.5

# Requests of callers do not come through the link of a device.
_NO_LINK = ''


class RosCallers:
    """Serves API calls and the list of devices; publishes results and connection events."""

    def __init__(self, node: Node, handle: Handle) -> None:
        self._handle = handle
        serve(node, DeviceAPICall, DEVICE_API_CALL_SERVICE, self._on_api_call)
        serve(
            node,
            DeviceConnectionInfos,
            DEVICE_CONNECTION_INFOS_SERVICE,
            self._on_connected_devices,
        )
        self._results = node.create_publisher(
            DeviceAPICallResult, topics.DEVICE_API_CALL_RESULT_TOPIC, RESULT_QOS
        )
        self._events = {
            event: node.create_publisher(ConnectionInfo, topic, EVENT_QOS)
            for event, topic in CONNECTION_EVENT_TOPICS.items()
        }

    def publish(self, publication: Publication) -> None:
        """Publish a result or a connection event; samples are published by their devices."""
        if isinstance(publication, PublishResult):
            self._results.publish(_result_message(publication))
        elif isinstance(publication, PublishConnectionEvent):
            info = _connection_info(publication.uid, publication.device, publication.event_time_s)
            self._events[publication.event].publish(info)

    def flush(self) -> None:
        """Wait a short time until the results have reached their subscribers."""
        self._results.wait_for_all_acked(Duration(seconds=_FLUSH_S))

    def _on_api_call(self, request: Any, response: Any) -> Any:
        arguments = tuple(TypedField(field.name, field.type, field.data) for field in request.args)
        event = CallRequested(request.device_id, request.function_name, arguments)
        answer = self._handle(_NO_LINK, event)
        assert isinstance(answer, CallAnswer)
        response.is_valid = answer.is_valid
        response.error = answer.error
        response.task_id = answer.task_id
        return response

    def _on_connected_devices(self, _request: Any, response: Any) -> Any:
        answer = self._handle(_NO_LINK, DevicesRequested())
        assert isinstance(answer, DevicesAnswer)
        response.device_infos = [
            _connection_info(connected.uid, connected.device, connected.since_s)
            for connected in answer.devices
        ]
        return response


def _result_message(result: PublishResult) -> Any:
    return DeviceAPICallResult(
        task_id=result.task_id,
        success=result.success,
        error=result.error,
        result_jsons=result.result_jsons,
        request_time_s=result.request_time_s,
        response_time_s=result.response_time_s,
    )


def _connection_info(uid: int, device: FleetDevice, event_time_s: float) -> Any:
    return ConnectionInfo(
        device_id=device.device_id,
        device_uid=uid,
        device_type=device.device_type,
        event_time_s=event_time_s,
    )
