"""
The frames of the rosbridge protocol v2 that the gateway and its peers exchange, one struct per op.

https://github.com/RobotWebTools/rosbridge_suite/blob/ros2/ROSBRIDGE_PROTOCOL.md. Fields that carry
a message stay raw JSON until the topic or service tells its type. Fields without effect here
(`queue_size`, `queue_length`, …) are skipped.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import msgspec

from ..errors import HosError
from ..text import shortened

# The gateway keeps or echoes these, so their size is limited; names of ROS are as long at most.
_MAX_NAME = 255
_Name = Annotated[str, msgspec.Meta(max_length=_MAX_NAME)]
_MAX_NUMBER = 2**53

# Some clients use numbers as ids.
FrameId = _Name | Annotated[int, msgspec.Meta(ge=-_MAX_NUMBER, le=_MAX_NUMBER)] | None

# The gateway keeps these, too.
_Text = Annotated[str, msgspec.Meta(max_length=200)]
_UInt32 = Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)]

# Devices in one `sync` frame: as many as one client may have.
MAX_DEVICES_OF_FRAME = 2_000
_Many = msgspec.Meta(max_length=MAX_DEVICES_OF_FRAME)

# A day: a longer pause between two messages is a mistake [ms].
_MAX_THROTTLE_RATE = 86_400_000
_Rate = (
    Annotated[int, msgspec.Meta(ge=0, le=_MAX_THROTTLE_RATE)]
    | Annotated[float, msgspec.Meta(ge=0, le=_MAX_THROTTLE_RATE)]
)

_Part = TypeVar('_Part')

_NOTHING = msgspec.Raw(b'{}')
_ABSENT = msgspec.Raw(b'null')


class FrameError(HosError, ValueError):
    """A frame of a peer cannot be accepted; the text says why."""


class _Frame(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field='op', gc=False
):
    id: FrameId = None


class Advertise(_Frame, frozen=True, kw_only=True, tag='advertise'):
    """A peer announces that it will publish on a topic, whose latest message may be latched."""

    topic: _Name
    type: str = ''
    latch: bool = False


class Unadvertise(_Frame, frozen=True, kw_only=True, tag='unadvertise'):
    """A peer announces that it no longer publishes on a topic."""

    topic: _Name


class Publish(_Frame, frozen=True, kw_only=True, tag='publish'):
    """A message on a topic, in either direction."""

    topic: _Name
    msg: msgspec.Raw = _NOTHING


class Subscribe(_Frame, frozen=True, kw_only=True, tag='subscribe'):
    """A peer subscribes to a topic; it receives at most one message per `throttle_rate` [ms]."""

    topic: _Name
    type: str = ''
    throttle_rate: _Rate = 0
    compression: str = 'none'


class Unsubscribe(_Frame, frozen=True, kw_only=True, tag='unsubscribe'):
    """A peer ends a subscription."""

    topic: _Name


class AdvertiseService(_Frame, frozen=True, kw_only=True, tag='advertise_service'):
    """A peer offers a service."""

    service: _Name
    type: str = ''


class UnadvertiseService(_Frame, frozen=True, kw_only=True, tag='unadvertise_service'):
    """A peer withdraws a service."""

    service: _Name


class CallService(_Frame, frozen=True, kw_only=True, tag='call_service'):
    """A call of a service, in either direction."""

    service: _Name
    args: msgspec.Raw = _NOTHING


class ServiceResponse(_Frame, frozen=True, kw_only=True, tag='service_response'):
    """The answer to a call; clients use the last two fields in different ways."""

    service: _Name = ''
    values: msgspec.Raw = _ABSENT
    result: bool | int | float | str | None = None


class Status(_Frame, frozen=True, kw_only=True, tag='status'):
    """A message about the frame with this id."""

    level: str = ''
    msg: str = ''


class SetLevel(_Frame, frozen=True, kw_only=True, tag='set_level'):
    """Which `status` frames a peer requests; ignored: the gateway only sends errors."""


class Auth(_Frame, frozen=True, kw_only=True, tag='auth'):
    """A token. The JavaScript client cannot send `token`, so it uses the field `mac`."""

    token: str = ''
    mac: str = ''


class DeviceDescription(msgspec.Struct, frozen=True, omit_defaults=True):
    """A client's description of one of its devices; tags keep their order."""

    id: _Text
    type: _Text = ''
    name: _Text = ''
    uid: _UInt32 | None = None
    tags: Annotated[dict[_Text, _Text], msgspec.Meta(max_length=32)] = {}


class Sync(_Frame, frozen=True, kw_only=True, tag='sync'):
    """An extension of the protocol, in either direction: see `device_descriptions`."""

    client: _Text = ''
    hash: _Text = ''
    update: Annotated[tuple[DeviceDescription, ...], _Many] = ()
    remove: Annotated[tuple[_Text, ...], _Many] = ()
    devices: dict[str, str] | None = None


class Confirm(_Frame, frozen=True, kw_only=True, tag='confirm'):
    """
    An extension of the protocol, in either direction.

    The gateway answers it with the same id when everything that the peer sent before is handled.
    """


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
    | Confirm
)

_decoder: msgspec.json.Decoder[Frame] = msgspec.json.Decoder(Frame)
_encoder = msgspec.json.Encoder()


class _Addressed(msgspec.Struct):
    """The fields of an invalid frame that its refusal needs."""

    op: msgspec.Raw = _ABSENT
    id: msgspec.Raw = _ABSENT
    service: msgspec.Raw = _ABSENT


_addressed_decoder = msgspec.json.Decoder(_Addressed)
_id_decoder: msgspec.json.Decoder[FrameId] = msgspec.json.Decoder(FrameId)
_text_decoder = msgspec.json.Decoder(str)


def decode(text: str | bytes) -> Frame:
    """Decode a frame; raises FrameError."""
    try:
        return _decoder.decode(text)
    except msgspec.ValidationError as error:
        raise FrameError(f'the frame does not match its op: {shortened(str(error))}') from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise FrameError(f'the frame is not valid JSON: {shortened(str(error))}') from None


def encode(frame: Frame) -> str:
    """Encode a frame as one line of JSON."""
    return _encoder.encode(frame).decode()


def raw(value: Any) -> msgspec.Raw:
    """Encode a message for the `msg`, `args` or `values` of a frame."""
    return msgspec.Raw(_encoder.encode(value))


def salvage(text: str | bytes) -> tuple[FrameId, str | None]:
    """
    Return the id of a frame that `decode` refused, and the service if it is a call.

    With them the refusal reaches the caller that waits for an answer with this id.
    """
    try:
        parts = _addressed_decoder.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None, None
    frame_id = _salvaged(_id_decoder, parts.id)
    if _salvaged(_text_decoder, parts.op) != 'call_service':
        return frame_id, None
    return frame_id, (_salvaged(_text_decoder, parts.service) or '')[:_MAX_NAME]


def _salvaged(decoder: msgspec.json.Decoder[_Part], part: msgspec.Raw) -> _Part | None:
    try:
        return decoder.decode(part)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
