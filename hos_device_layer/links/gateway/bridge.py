"""Carries events and answers between the gateway's thread and the device manager's."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ...core.dispatch.descriptions import DescriptionAnswer
from ...core.dispatch.effects import (
    Answer,
    CallAnswer,
    ConnectAnswer,
    DevicesAnswer,
    LogDropped,
    Reply,
)
from ...core.dispatch.events import Event
from ...core.rosbridge import Confirmation, Request, Session, SessionEvent, Traceable
from ...core.rosbridge.frames import Confirm, Status
from ...core.rosbridge.messages import (
    ConnectDeviceResponse,
    ConnectionInfo,
    DeviceAPICallResponse,
    DeviceConnectionInfosResponse,
)
from .mailbox import Job, Mailbox

Wake = Callable[[Callable[[], None]], object]


class ManagerBridge:
    """
    Runs work on the other thread: `to_manager` and `to_gateway` queue it.

    `handle` handles an event on the device manager's thread, and only there.
    """

    def __init__(
        self, handle: Callable[[Event], Reply | None], wake_manager: Wake, wake_gateway: Wake
    ) -> None:
        self.handle = handle
        self.to_manager = Mailbox(wake_manager)
        self.to_gateway = Mailbox(wake_gateway)

    def job(self, session: Session, event: SessionEvent) -> Job:
        """Return the job, for `to_manager`, that handles an event of a session."""
        match event:
            case Request():
                return partial(self._answer, session, event)
            case Traceable():
                return partial(self._handle_traceable, session, event)
            case Confirmation():
                confirm = partial(session.send, Confirm(id=event.id))
                return partial(self.to_gateway.put, confirm)
            case _:
                return partial(self.handle, event)

    # On the device manager's thread

    def _answer(self, session: Session, request: Request) -> None:
        answer = self.handle(request.event)
        assert isinstance(answer, Answer)
        response = _response(answer)
        self.to_gateway.put(lambda: session.answer(request.call, response))

    def _handle_traceable(self, session: Session, traceable: Traceable) -> None:
        reply = self.handle(traceable.event)
        if isinstance(reply, LogDropped):
            status = Status(id=traceable.id, level='error', msg=reply.reason)
            self.to_gateway.put(partial(session.send, status))


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
