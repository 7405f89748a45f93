"""Serves descriptions of the devices, and of the functions and streams of their types."""

from __future__ import annotations

from typing import Any

from hos_interfaces.msg import DeviceDescription, FunctionDescription, StreamDescription
from hos_interfaces.srv import DescribeDevices
from rclpy.node import Node

from ...core.dispatch.descriptions import (
    DescribedDevice,
    DescribedFunction,
    DescribedStream,
    DescriptionAnswer,
)
from ...core.dispatch.events import DescriptionRequested
from ...core.text import without_nul
from ...services import DESCRIBE_DEVICES_SERVICE
from ...serving import serve
from ..link import Handle


class DescriptionService:
    """Serves `haive_os/describe_devices`."""

    def __init__(self, node: Node, handle: Handle) -> None:
        self._handle = handle
        serve(node, DescribeDevices, DESCRIBE_DEVICES_SERVICE, self._on_request)

    def _on_request(self, request: Any, response: Any) -> Any:
        answer = self._handle('', DescriptionRequested(tuple(request.device_ids)))
        assert isinstance(answer, DescriptionAnswer)
        response.fleet = answer.fleet
        response.devices = [_device_message(device) for device in answer.devices]
        response.functions = [_function_message(function) for function in answer.functions]
        response.streams = [_stream_message(stream) for stream in answer.streams]
        return response


def _device_message(device: DescribedDevice) -> Any:
    return DeviceDescription(
        device_id=device.device_id,
        has_uid=device.uid is not None,
        device_uid=device.uid or 0,
        device_type=device.device_type,
        state=device.state.value,
        since_s=device.since_s,
        last_seen_s=device.last_seen_s,
        tasks=device.tasks,
        description=without_nul(device.description),
        error=without_nul(device.error),
        function_names=device.function_names,
        stream_names=device.stream_names,
    )


def _function_message(function: DescribedFunction) -> Any:
    return FunctionDescription(
        function_name=function.name,
        arguments=function.arguments,
        results=function.results,
        description=without_nul(function.description),
        error=without_nul(function.error),
    )


def _stream_message(stream: DescribedStream) -> Any:
    return StreamDescription(
        stream_name=stream.name,
        values=stream.values,
        description=without_nul(stream.description),
    )
