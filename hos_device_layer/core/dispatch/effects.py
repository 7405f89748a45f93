"""The effects that the dispatcher returns: what the device manager must do, as values."""

from __future__ import annotations

import msgspec

from ..spec.records import FleetDevice, Stream
from .commands import Command
from .connection_states import ConnectionEvent
from .descriptions import DescriptionAnswer


class OpenDevice(msgspec.Struct, frozen=True):
    """Create what a link needs for a connected device, or adapt what exists."""

    link: str
    device: FleetDevice
    serialized: bool
    streams: tuple[Stream, ...]


class CloseDevice(msgspec.Struct, frozen=True):
    """Free what a link holds for a device, and withdraw its commands."""

    link: str
    uid: int


class SendCommand(msgspec.Struct, frozen=True):
    """Send a command; if that fails, a `SendFailed` event must follow."""

    link: str
    command: Command


class WithdrawCommand(msgspec.Struct, frozen=True):
    """Do not send a command that still waits: its task has ended."""

    link: str
    uid: int
    cmd_id: int


class PublishResult(msgspec.Struct, frozen=True):
    """Publish the only result of a task; `result_jsons` is always a JSON object."""

    task_id: int
    success: bool
    error: str
    result_jsons: str
    request_time_s: float  # [s] since the epoch
    response_time_s: float  # [s] since the epoch


class PublishConnectionEvent(msgspec.Struct, frozen=True):
    """Publish that the connection of a device has changed."""

    event: ConnectionEvent
    uid: int
    device: FleetDevice
    event_time_s: float  # [s] since the epoch


class PublishSample(msgspec.Struct, frozen=True):
    """Publish a valid sample; `link` is the link through which it came."""

    link: str
    uid: int
    stream_name: str
    data: str
    is_latched: bool = False


class LogDropped(msgspec.Struct, frozen=True):
    """Log why a message was not processed."""

    reason: str


class ConnectAnswer(msgspec.Struct, frozen=True):
    """The answer to `ConnectRequested`."""

    success: bool
    error: str = ''


class CallAnswer(msgspec.Struct, frozen=True):
    """The answer to `CallRequested`: the id of the task, or the error of a refused call."""

    is_valid: bool
    error: str = ''
    task_id: int = 0


class ConnectedDevice(msgspec.Struct, frozen=True):
    """A connected device and the time since when it is connected."""

    uid: int
    device: FleetDevice
    since_s: float  # [s] since the epoch


class DevicesAnswer(msgspec.Struct, frozen=True):
    """The answer to `DevicesRequested`."""

    devices: tuple[ConnectedDevice, ...]


Answer = ConnectAnswer | CallAnswer | DevicesAnswer | DescriptionAnswer

# What the sender of an event may be told: the answer to a request, or why another event had no
# effect.
Reply = Answer | LogDropped

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
