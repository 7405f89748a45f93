"""What the dispatcher asks its shell to do."""

from __future__ import annotations

from typing import NamedTuple

from ..spec.records import FleetDevice
from .connections import ConnectionEvent


class PublishConnectionEvent(NamedTuple):
    """A device's connection changed: tell it to everybody; `event_time_s` [s] since the epoch."""

    notice: ConnectionEvent
    uid: int
    device: FleetDevice
    event_time_s: float


class PublishResult(NamedTuple):
    """The one result of a task: publish it. `result_jsons` is always a JSON object."""

    uid: int
    task_id: int
    success: bool
    error: str
    result_jsons: str
    request_time_s: float  # [s] since the epoch
    response_time_s: float  # [s] since the epoch


class LogDropped(NamedTuple):
    """Something came that fits nothing: log why it was dropped."""

    reason: str


Effect = PublishConnectionEvent | PublishResult | LogDropped
