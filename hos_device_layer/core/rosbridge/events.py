"""The events of a session: events of devices, and requests that need an answer."""

from __future__ import annotations

from typing import NamedTuple

from ..dispatch.events import DeviceEvent, RequestEvent
from .frames import FrameId


class ServiceCall(NamedTuple):
    """A `call_service` frame of a peer that waits for its answer; `service` is as it was sent."""

    id: FrameId
    service: str


class Request(NamedTuple):
    """An event that needs an answer, and the call to answer."""

    event: RequestEvent
    call: ServiceCall


SessionEvent = DeviceEvent | Request
