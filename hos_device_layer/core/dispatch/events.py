"""The events that the dispatcher handles, as values."""

from __future__ import annotations

import msgspec

from ..spec.records import Spec
from .calls import TypedField


class ConnectRequested(msgspec.Struct, frozen=True):
    """A device asked to connect; `description` is its own text about itself, for messages."""

    uid: int
    description: str = ''


class Pinged(msgspec.Struct, frozen=True):
    """A device sent a ping."""

    uid: int


class LinkClosed(msgspec.Struct, frozen=True):
    """A device can no longer be reached through the link that reports this."""

    uid: int


class CommandAnswered(msgspec.Struct, frozen=True):
    """A device accepted or refused a command."""

    uid: int
    cmd_id: int
    is_valid: bool
    error: str


class ResultReported(msgspec.Struct, frozen=True):
    """A device reported how a command ended."""

    uid: int
    cmd_id: int
    success: bool
    error: str
    result_str: str


class StreamSampled(msgspec.Struct, frozen=True):
    """A device sent a sample of a stream."""

    uid: int
    stream_name: str
    data: str
    is_latched: bool = False


class CallRequested(msgspec.Struct, frozen=True):
    """A caller called a function of a device."""

    device_id: str
    function_name: str
    arguments: tuple[TypedField, ...] = ()


class DevicesRequested(msgspec.Struct, frozen=True):
    """A caller asked for the list of connected devices."""


class DescriptionRequested(msgspec.Struct, frozen=True):
    """A caller asked what devices there are and what they offer; without ids, for all of them."""

    device_ids: tuple[str, ...] = ()


class SendFailed(msgspec.Struct, frozen=True):
    """A command could not be sent."""

    cmd_id: int
    error: str


class SpecReplaced(msgspec.Struct, frozen=True):
    """Another specification takes effect."""

    spec: Spec


class Tick(msgspec.Struct, frozen=True):
    """Deadlines up to `until` [s, steady] are due: everything that arrived before is handled."""

    until: float


class Paused(msgspec.Struct, frozen=True):
    """The device manager did not run, so devices could not be heard, for this time."""

    duration_s: float


class StopRequested(msgspec.Struct, frozen=True):
    """The device manager is stopping."""


DeviceEvent = Pinged | LinkClosed | CommandAnswered | ResultReported | StreamSampled
RequestEvent = ConnectRequested | CallRequested | DevicesRequested | DescriptionRequested
Event = DeviceEvent | RequestEvent | SendFailed | SpecReplaced | Tick | Paused | StopRequested
