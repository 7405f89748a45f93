"""
The frames of the rosbridge protocol v2 that the gateway and its peers exchange, one struct an op.

https://github.com/RobotWebTools/rosbridge_suite/blob/ros2/ROSBRIDGE_PROTOCOL.md. Fields that carry
a message stay raw JSON until its type is known from the name it goes by; fields that nothing here
acts on (`latch`, `queue_size`, …) are skipped.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from ..errors import HosError
from ..text import shortened

# Some clients number their frames instead of naming them.
FrameId = str | int | None

# The gateway keeps these, so they are bounded.
_Text = Annotated[str, msgspec.Meta(max_length=200)]

_NOTHING = msgspec.Raw(b'{}')
_ABSENT = msgspec.Raw(b'null')


class FrameError(HosError, ValueError):
    """A frame from a peer cannot be understood; the text says where in it and why."""


class _Frame(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field='op', gc=False
):
    id: FrameId = None


class Advertise(_Frame, frozen=True, kw_only=True, tag='advertise'):
    """A peer is going to publish."""

    topic: str
    type: str = ''


class Unadvertise(_Frame, frozen=True, kw_only=True, tag='unadvertise'):
    """A peer has stopped publishing."""

    topic: str


class Publish(_Frame, frozen=True, kw_only=True, tag='publish'):
    """A message on a topic, in either direction."""

    topic: str
    msg: msgspec.Raw = _NOTHING


class Subscribe(_Frame, frozen=True, kw_only=True, tag='subscribe'):
    """A peer wants a topic's messages, at most one each `throttle_rate` [ms]."""

    topic: str
    type: str = ''
    throttle_rate: int | float = 0
    compression: str = 'none'


class Unsubscribe(_Frame, frozen=True, kw_only=True, tag='unsubscribe'):
    """A peer wants no more of a topic's messages."""

    topic: str


class AdvertiseService(_Frame, frozen=True, kw_only=True, tag='advertise_service'):
    """A peer serves."""

    service: str
    type: str = ''


class UnadvertiseService(_Frame, frozen=True, kw_only=True, tag='unadvertise_service'):
    """A peer serves no longer."""

    service: str


class CallService(_Frame, frozen=True, kw_only=True, tag='call_service'):
    """A call, in either direction."""

    service: str
    args: msgspec.Raw = _NOTHING


class ServiceResponse(_Frame, frozen=True, kw_only=True, tag='service_response'):
    """The answer to a call; clients differ widely in what they put into the last two fields."""

    service: str = ''
    values: msgspec.Raw = _ABSENT
    result: Any = None


class Status(_Frame, frozen=True, kw_only=True, tag='status'):
    """A note about a frame with this id."""

    level: str = ''
    msg: str = ''


class SetLevel(_Frame, frozen=True, kw_only=True, tag='set_level'):
    """Which `status` frames a peer wants; accepted and without effect: ours are all errors."""


class Auth(_Frame, frozen=True, kw_only=True, tag='auth'):
    """A token. The JavaScript client has no field of this name, but one for a `mac`."""

    token: str = ''
    mac: str = ''


class DeviceDescription(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a client tells about a device of its own; tags keep their order."""

    id: _Text
    type: _Text = ''
    name: _Text = ''
    uid: int | None = None
    tags: Annotated[dict[_Text, _Text], msgspec.Meta(max_length=32)] = {}


class Sync(_Frame, frozen=True, kw_only=True, tag='sync'):
    """An op of ours, in either direction: see `rosters`."""

    client: str = ''
    hash: str = ''
    update: tuple[DeviceDescription, ...] = ()
    remove: tuple[str, ...] = ()
    devices: dict[str, str] | None = None


Frame = (
    Advertise
    | Unadvertise
    | Publish
    | Subscribe
    | Unsubscribe
    | AdvertiseService
    | UnadvertiseService
    | CallService
    | ServiceResponse
    | Status
    | SetLevel
    | Auth
    | Sync
)

_decoder: msgspec.json.Decoder[Frame] = msgspec.json.Decoder(Frame)
_encoder = msgspec.json.Encoder()


class _Addressed(msgspec.Struct):
    """What of a frame that is not understood is still worth knowing."""

    op: Any = None
    id: Any = None
    service: Any = None


_addressed_decoder = msgspec.json.Decoder(_Addressed)


def decode(text: str | bytes) -> Frame:
    """Read a frame; raises FrameError."""
    try:
        return _decoder.decode(text)
    except msgspec.ValidationError as error:
        raise FrameError(f'the frame does not fit its op: {shortened(str(error))}') from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise FrameError(f'the frame is no JSON: {shortened(str(error))}') from None


def encode(frame: Frame) -> str:
    """Write a frame as one line of JSON."""
    return _encoder.encode(frame).decode()


def raw(value: Any) -> msgspec.Raw:
    """Write a message for a frame's `msg`, `args` or `values`."""
    return msgspec.Raw(_encoder.encode(value))


def salvage(text: str | bytes) -> tuple[FrameId, str | None]:
    """
    Return the id of a frame that `decode` refused, and the service if it is a call.

    So that the refusal reaches the caller who waits for an answer under this id.
    """
    try:
        parts = _addressed_decoder.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None, None
    frame_id = parts.id if isinstance(parts.id, (str, int)) else None
    is_call = parts.op == 'call_service' and isinstance(parts.service, str)
    return frame_id, parts.service if is_call else None
