"""The events of a session: events of devices, and requests that need an answer."""

from __future__ import annotations

from collections.abc import Iterable
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


class Traceable(NamedTuple):
    """An event of a frame with an id: the peer must be told if the event is dropped."""

    event: DeviceEvent
    id: FrameId


class Confirmation(NamedTuple):
    """The peer must be told when everything that it sent before is handled."""

    id: FrameId


SessionEvent = DeviceEvent | Request | Traceable | Confirmation


def traceable(frame_id: FrameId, events: Iterable[DeviceEvent]) -> list[SessionEvent]:
    """Return the events of a frame, as Traceable if it has an id."""
    return [event if frame_id is None else Traceable(event, frame_id) for event in events]
