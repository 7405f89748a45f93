"""What to do about an event: every effect that the dispatcher asks for, as a value."""

from __future__ import annotations

from typing import NamedTuple

from ..spec.records import FleetDevice, Stream
from .commands import Command
from .connection_states import ConnectionEvent


class OpenDevice(NamedTuple):
    """Make a link ready for a connected device, or adapt what it has made before."""

    link: str
    device: FleetDevice
    serialized: bool
    streams: tuple[Stream, ...]


class CloseDevice(NamedTuple):
    """Free what a link holds for a device, and withdraw its commands."""

    link: str
    uid: int


class SendCommand(NamedTuple):
    """Send a command; if that fails, a `SendFailed` event is to follow."""

    link: str
    command: Command


class WithdrawCommand(NamedTuple):
    """The task of a command has ended: do not send it if it still waits somewhere."""

    link: str
    uid: int
    cmd_id: int


class PublishResult(NamedTuple):
    """The one result of a task; `result_jsons` is always a JSON object."""

    task_id: int
    success: bool
    error: str
    result_jsons: str
    request_time_s: float  # [s] since the epoch
    response_time_s: float  # [s] since the epoch


class PublishConnectionEvent(NamedTuple):
    """The connection of a device has changed."""

    event: ConnectionEvent
    uid: int
    device: FleetDevice
    event_time_s: float  # [s] since the epoch


class PublishSample(NamedTuple):
    """A sample that fits its stream, and the link that it came through."""

    link: str
    uid: int
    stream_name: str
    data: str


class LogDropped(NamedTuple):
    """Something was not processed; the reason belongs into the log."""

    reason: str


class ConnectAnswer(NamedTuple):
    """The answer to `ConnectRequested`."""

    success: bool
    error: str = ''


class CallAnswer(NamedTuple):
    """The answer to `CallRequested`: the id of the task, or the error of a refused call."""

    is_valid: bool
    error: str = ''
    task_id: int = 0


class ConnectedDevice(NamedTuple):
    """A device that is connected, and since when."""

    uid: int
    device: FleetDevice
    since_s: float  # [s] since the epoch


class DevicesAnswer(NamedTuple):
    """The answer to `DevicesRequested`."""

    devices: tuple[ConnectedDevice, ...]


Answer = ConnectAnswer | CallAnswer | DevicesAnswer
Effect = (
    OpenDevice
    | CloseDevice
    | SendCommand
    | WithdrawCommand
    | PublishResult
    | PublishConnectionEvent
    | PublishSample
    | LogDropped
    | Answer
)
