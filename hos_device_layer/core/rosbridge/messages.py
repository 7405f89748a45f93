"""The device layer's messages and service parts, as they stand in frames (DESIGN section 3)."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, TypeVar

import msgspec

from ..text import shortened
from .frames import FrameError

UInt32 = Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)]

_Message = TypeVar('_Message', bound=msgspec.Struct)


class UidMessage(msgspec.Struct, frozen=True):
    """`std_msgs/UInt32`: the ping of a device."""

    data: UInt32


class DeviceCommandResult(msgspec.Struct, frozen=True):
    """What a device reports at a command's end."""

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


class TypedField(msgspec.Struct, frozen=True):
    """One named value with its type, written as text."""

    name: str
    type: str
    data: str


class ConnectDeviceRequest(msgspec.Struct, frozen=True):
    """A device registers."""

    uid: UInt32


class ConnectDeviceResponse(msgspec.Struct, frozen=True):
    """Whether it is connected now."""

    success: bool
    error: str = ''


class DeviceAPICallRequest(msgspec.Struct, frozen=True):
    """An upper layer calls a function of a device."""

    device_id: str
    function_name: str
    args: tuple[TypedField, ...] = ()


class DeviceAPICallResponse(msgspec.Struct, frozen=True):
    """Whether the call is accepted, and under which id its result will come."""

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
    """A command as one text."""

    cmd_id: UInt32
    serialized_command: str
    function_name: str


class DeviceCommandResponse(msgspec.Struct, frozen=True):
    """Whether a device accepts a command, of either kind."""

    is_valid: bool
    error: str = ''


@cache
def _decoder(message_type: type[_Message]) -> msgspec.json.Decoder[_Message]:
    # Firmware builds JSON by hand: 1 for true and "5" for 5 are common, and clear enough.
    return msgspec.json.Decoder(message_type, strict=False)


def decode_message(raw: msgspec.Raw, message_type: type[_Message]) -> _Message:
    """Read a message out of a frame; raises FrameError, naming its type."""
    try:
        message: _Message = _decoder(message_type).decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise FrameError(f'no {message_type.__name__}: {shortened(str(error))}') from None
    return message


def read_answer(values: msgspec.Raw, result: Any) -> DeviceCommandResponse:
    """
    Read a device's answer to a command, in all the forms that clients send (DESIGN section 6).

    An object with `is_valid` decides alone; a text is the reason of a refusal; else `result` says.
    """
    try:
        decoded = msgspec.json.decode(values)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        return DeviceCommandResponse(
            False, f'the device sent a broken answer: {shortened(str(error))}'
        )
    if isinstance(decoded, str):
        return DeviceCommandResponse(False, decoded or _NO_REASON)
    answer = decoded if isinstance(decoded, dict) else {}
    is_valid = _truth(answer['is_valid']) if 'is_valid' in answer else _truth(result)
    if is_valid:
        return DeviceCommandResponse(True)
    error_text = answer.get('error')
    return DeviceCommandResponse(
        False, error_text if isinstance(error_text, str) and error_text else _NO_REASON
    )


_NO_REASON = 'the device refused the command without a reason'


def _truth(value: object) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in ('true', '1')
    return value is True or (isinstance(value, (int, float)) and value == 1)
