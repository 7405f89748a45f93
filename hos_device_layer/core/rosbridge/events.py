"""What peers do that concerns the device manager."""

from __future__ import annotations

from typing import NamedTuple

from .frames import FrameId
from .messages import TypedField


class ServiceCall(NamedTuple):
    """A peer's call that waits for its answer; its service is named as the peer sent it."""

    id: FrameId
    service: str


class ConnectCalled(NamedTuple):
    """A device registers."""

    uid: int
    call: ServiceCall


class ApiCalled(NamedTuple):
    """An operator calls a function of a device."""

    device_id: str
    function_name: str
    args: tuple[TypedField, ...]
    call: ServiceCall


class ConnectedDevicesCalled(NamedTuple):
    """A viewer asks for the connected devices."""

    call: ServiceCall


class Pinged(NamedTuple):
    """A device gives a sign of life."""

    uid: int


class CommandAnswered(NamedTuple):
    """A device, or the gateway for it, accepts or refuses a command; `relay` as it was sent."""

    cmd_id: int
    is_valid: bool
    error: str
    relay: int | None = None


class ResultReported(NamedTuple):
    """A device reports a command's end."""

    uid: int
    cmd_id: int
    success: bool
    error: str
    result_str: str


class StreamSampled(NamedTuple):
    """A device sends a sample."""

    uid: int
    stream_name: str
    data: str


class DeviceLost(NamedTuple):
    """The way to a device is gone."""

    uid: int


SessionEvent = (
    ConnectCalled
    | ApiCalled
    | ConnectedDevicesCalled
    | Pinged
    | CommandAnswered
    | ResultReported
    | StreamSampled
    | DeviceLost
)
