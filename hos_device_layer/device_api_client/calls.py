"""A call that is waiting for its result."""

from __future__ import annotations

import time
from collections.abc import Sequence

from hos_interfaces.msg import DeviceAPICallResult, TypedField
from hos_interfaces.srv import DeviceAPICall
from rclpy.task import Future

from ..guarding import ErrorLog
from .futures import CallFuture


class PendingCall:
    """A call that has no result yet: its request, and the futures to complete."""

    def __init__(
        self,
        device_id: str,
        function_name: str,
        fields: Sequence[TypedField],
        call_time: float,
        log: ErrorLog,
    ) -> None:
        self.request = DeviceAPICall.Request(
            device_id=device_id, function_name=function_name, args=list(fields)
        )
        self.call_time = call_time
        self.future = CallFuture(log)
        self.result = CallFuture(log)
        self.answer: Future | None = None
        self.started = 0.0  # monotonic [s], when the manager accepted it


def failure(call: PendingCall, error: str, task_id: int = 0) -> DeviceAPICallResult:
    """Return the result of a call that ended without one."""
    return DeviceAPICallResult(
        task_id=task_id,
        success=False,
        error=error,
        result_jsons='{}',
        request_time_s=call.call_time,
        response_time_s=time.time(),
    )
