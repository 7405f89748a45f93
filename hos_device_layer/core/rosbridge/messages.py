"""The messages and services of hos_interfaces, as frames carry them."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, TypeVar, get_args

import msgspec

from ..dispatch.calls import TypedField
from ..text import counted, shortened
from .frames import FrameError

UInt32 = Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)]

_Message = TypeVar('_Message', bound=msgspec.Struct)
_Part = TypeVar('_Part')

# Of a call whose arguments have no names: each of them becomes an object.
_MAX_POSITIONAL_VALUES = 4_096


class UidMessage(msgspec.Struct, frozen=True):
    """`std_msgs/UInt32`: the ping of a device."""

    data: UInt32


class DeviceCommandResult(msgspec.Struct, frozen=True):
    """How a command ended, as its device reports it."""

    uid: UInt32
    cmd_id: UInt32
    success: bool
    error: str = ''
    result_str: str = ''


class DeviceStream(msgspec.Struct, frozen=True):
    """A sample of a device's stream."""

    uid: UInt32
    data: str


class ConnectionInfo(msgspec.Struct, frozen=True):
    """A device and when it last connected, timed out or disconnected."""

    device_id: str
    device_uid: UInt32
    device_type: str
    event_time_s: float


class DeviceAPICallResult(msgspec.Struct, frozen=True):
    """The one result of an accepted call."""

    task_id: UInt32
    success: bool
    error: str
    result_jsons: str
    request_time_s: float
    response_time_s: float


class ConnectDeviceRequest(msgspec.Struct, frozen=True):
    """A device asks to connect."""

    uid: UInt32


class ConnectDeviceResponse(msgspec.Struct, frozen=True):
    """Whether the device is connected now."""

    success: bool
    error: str = ''


class DeviceAPICallRequest(msgspec.Struct, frozen=True):
    """A caller asks for a function of a device."""

    device_id: str
    function_name: str
    args: tuple[TypedField, ...] = ()


class DeviceAPICallResponse(msgspec.Struct, frozen=True):
    """Whether the call is accepted, and the id of its task."""

    is_valid: bool
    error: str = ''
    task_id: UInt32 = 0


class DeviceConnectionInfosResponse(msgspec.Struct, frozen=True):
    """The devices that are connected now."""

    device_infos: tuple[ConnectionInfo, ...] = ()


class DeviceCommandRequest(msgspec.Struct, frozen=True):
    """A command with typed arguments."""

    cmd_id: UInt32
    function_name: str
    num_args: int
    args: tuple[TypedField, ...] = ()


class SerializedDeviceCommandRequest(msgspec.Struct, frozen=True):
    """A command in serialized form."""

    cmd_id: UInt32
    serialized_command: str
    function_name: str


class DeviceCommandResponse(msgspec.Struct, frozen=True):
    """Whether a device accepts a command, of either kind."""

    is_valid: bool
    error: str = ''


@cache
def _decoder(message_type: type[_Message]) -> msgspec.json.Decoder[_Message]:
    # Firmware builds JSON by hand: 1 for true and "5" for 5 are common and unambiguous.
    return msgspec.json.Decoder(message_type, strict=False)


def decode_message(raw: msgspec.Raw, message_type: type[_Message]) -> _Message:
    """Decode a message of a frame; raises FrameError, which names its type."""
    try:
        message: _Message = _decoder(message_type).decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise FrameError(f'expected {message_type.__name__}: {shortened(str(error))}') from None
    return message


def decode_request(args: msgspec.Raw, request_type: type[_Message]) -> _Message:
    """
    Decode the arguments of a call; raises FrameError.

    They are an object, or an array in the order of the fields; so are the messages within them.
    """
    try:
        return decode_message(args, request_type)
    except FrameError as error:
        # Texts may contain commas too, but seldom that many.
        if bytes(args).count(b',') >= _MAX_POSITIONAL_VALUES:
            raise FrameError(f'{error}; name the fields of a request this long') from None
        try:
            values = msgspec.json.decode(args)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            raise error from None
    try:
        return msgspec.convert(_named(values, request_type), request_type, strict=False)
    except msgspec.ValidationError as error:
        raise FrameError(f'expected {request_type.__name__}: {shortened(str(error))}') from None


def _named(values: Any, message_type: type[msgspec.Struct]) -> Any:
    """Return a message with the names of its fields, also where its values have none."""
    fields = message_type.__struct_fields__
    if isinstance(values, list):
        if len(values) > len(fields):
            raise FrameError(
                f'expected {message_type.__name__}: at most {counted(len(fields), "value")} '
                f'({", ".join(fields)}), got {len(values)}'
            )
        values = dict(zip(fields, values))
    if not isinstance(values, dict):
        return values
    for name, part_type in _parts(message_type).items():
        if isinstance(parts := values.get(name), list):
            values[name] = [_named(part, part_type) for part in parts]
    return values


@cache
def _parts(message_type: type[msgspec.Struct]) -> dict[str, type[msgspec.Struct]]:
    """Return the fields that are lists of messages, and the types of these."""
    types = {field.name: get_args(field.type) for field in msgspec.structs.fields(message_type)}
    return {
        name: part_type
        for name, (part_type, *_) in ((n, t) for n, t in types.items() if t)
        if isinstance(part_type, type) and issubclass(part_type, msgspec.Struct)
    }


class _Answer(msgspec.Struct, frozen=True):
    """What counts of an answer; empty for a field that is absent."""

    is_valid: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()


_Scalar = bool | int | float | str | None

_raw_decoder = msgspec.json.Decoder(msgspec.Raw)
_answer_decoder: msgspec.json.Decoder[_Answer | str] = msgspec.json.Decoder(_Answer | str)
_scalar_decoder: msgspec.json.Decoder[_Scalar] = msgspec.json.Decoder(_Scalar)


def read_answer(values: msgspec.Raw, result: _Scalar) -> DeviceCommandResponse:
    """
    Decode a device's answer to a command, in all the forms that clients send.

    If `values` is an object with `is_valid`, that decides; a text is the reason of a refusal;
    otherwise `result` decides.
    """
    try:
        _raw_decoder.decode(values)
        answer = _read(_answer_decoder, values)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        return DeviceCommandResponse(
            False, f'the device sent an invalid answer: {shortened(str(error))}'
        )
    if isinstance(answer, str):
        return DeviceCommandResponse(False, answer or _NO_REASON)
    answer = answer or _Answer()
    if _truth(_scalar(answer.is_valid) if bytes(answer.is_valid) else result):
        return DeviceCommandResponse(True)
    error_text = _scalar(answer.error)
    return DeviceCommandResponse(
        False, error_text if isinstance(error_text, str) and error_text else _NO_REASON
    )


def _scalar(part: msgspec.Raw) -> _Scalar:
    return _read(_scalar_decoder, part) if bytes(part) else None


def _read(decoder: msgspec.json.Decoder[_Part], part: msgspec.Raw) -> _Part | None:
    """Decode a part; None if it is of another type, whose own parts are never decoded."""
    try:
        return decoder.decode(part)
    except msgspec.ValidationError:
        return None


_NO_REASON = 'the device refused the command without a reason'


def _truth(value: object) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in ('true', '1')
    return value is True or (isinstance(value, (int, float)) and value == 1)
