"""Carries events and answers between the gateway's thread and the device manager's."""

from __future__ import annotations

from collections.abc import Callable

from ...core.dispatch.descriptions import DescriptionAnswer
from ...core.dispatch.effects import Answer, CallAnswer, ConnectAnswer, DevicesAnswer
from ...core.dispatch.events import Event
from ...core.rosbridge import Request, Session
from ...core.rosbridge.messages import (
    ConnectDeviceResponse,
    ConnectionInfo,
    DeviceAPICallResponse,
    DeviceConnectionInfosResponse,
)
from .mailbox import Mailbox

Wake = Callable[[Callable[[], None]], object]


class ManagerBridge:
    """
    Runs work on the other thread: `to_manager` and `to_gateway` queue it.

    `handle` handles an event on the device manager's thread, and only there.
    """

    def __init__(
        self, handle: Callable[[Event], Answer | None], wake_manager: Wake, wake_gateway: Wake
    ) -> None:
        self.handle = handle
        self.to_manager = Mailbox(wake_manager)
        self.to_gateway = Mailbox(wake_gateway)

    def answer(self, session: Session, request: Request) -> None:
        """Handle a request of a session and answer it; on the device manager's thread."""
        answer = self.handle(request.event)
        assert answer is not None
        response = _response(answer)
        self.to_gateway.put(lambda: session.answer(request.call, response))


def _response(
    answer: Answer,
) -> ConnectDeviceResponse | DeviceAPICallResponse | DeviceConnectionInfosResponse:
    match answer:
        case ConnectAnswer(success, error):
            return ConnectDeviceResponse(success, error)
        case CallAnswer(is_valid, error, task_id):
            return DeviceAPICallResponse(is_valid, error, task_id)
        case DevicesAnswer(devices):
            return DeviceConnectionInfosResponse(
                tuple(
                    ConnectionInfo(c.device.device_id, c.uid, c.device.device_type, c.since_s)
                    for c in devices
                )
            )
        case DescriptionAnswer():
            raise TypeError('the gateway does not serve descriptions')
