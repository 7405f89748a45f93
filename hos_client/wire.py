"""Encodes and decodes the frames of a device program: its side of the rosbridge protocol."""

from __future__ import annotations

from typing import Any

import msgspec

from hos_device_layer.core.errors import ValueMismatchError
from hos_device_layer.core.rosbridge.frames import (
    AdvertiseService,
    CallService,
    Frame,
    FrameError,
    Publish,
    ServiceResponse,
    UnadvertiseService,
    encode,
    raw,
)
from hos_device_layer.core.rosbridge.messages import (
    ConnectDeviceRequest,
    DeviceCommandRequest,
    DeviceCommandResponse,
    DeviceCommandResult,
    DeviceStream,
    SerializedDeviceCommandRequest,
    UidMessage,
    decode_message,
)
from hos_device_layer.core.rosbridge.names import ServiceKind, parse_service
from hos_device_layer.core.spec.field_types import FieldType, Value
from hos_device_layer.services import (
    CONNECT_DEVICE_SERVICE,
    DEVICE_COMMAND_SERVICE,
    SERIALIZED_DEVICE_COMMAND_SERVICE,
)
from hos_device_layer.topics import (
    DEVICE_CMD_RESULT_TOPIC,
    DEVICE_PING_TOPIC,
    DEVICE_STREAM_TOPIC,
)

# The longest error of a task; it reaches people, who read its beginning [characters].
_MAX_ERROR = 10_000


class ReceivedCommand(msgspec.Struct, frozen=True):
    """A decoded command: `data` holds the arguments by name, or the serialized command."""

    uid: int
    cmd_id: int
    function_name: str
    data: dict[str, Value] | str


class Publication(msgspec.Struct, frozen=True):
    """A message to publish on a topic."""

    topic: str
    message: msgspec.Raw

    def text(self, frame_id: str | None = None) -> str:
        """Return its frame."""
        return encode(Publish(id=frame_id, topic=self.topic, msg=self.message))


def connect_frames(uid: int, call_id: str) -> list[Frame]:
    """
    Return the frames that advertise a device's services and connect it.

    Both command services are advertised; the specification decides which one is called.
    """
    return [
        AdvertiseService(service=DEVICE_COMMAND_SERVICE(uid), type=ServiceKind.COMMAND.value),
        AdvertiseService(
            service=SERIALIZED_DEVICE_COMMAND_SERVICE(uid),
            type=ServiceKind.SERIALIZED_COMMAND.value,
        ),
        CallService(
            id=call_id,
            service=CONNECT_DEVICE_SERVICE,
            args=raw(ConnectDeviceRequest(uid)),
        ),
    ]


def disconnect_frames(uid: int) -> list[Frame]:
    """Return the frames that withdraw a device's services, which disconnects it."""
    return [
        UnadvertiseService(service=DEVICE_COMMAND_SERVICE(uid)),
        UnadvertiseService(service=SERIALIZED_DEVICE_COMMAND_SERVICE(uid)),
    ]


def ping(uid: int) -> Publication:
    """Return a ping of a device."""
    return Publication(DEVICE_PING_TOPIC, raw(UidMessage(uid)))


def result(uid: int, cmd_id: int, error: str | None, data: Any) -> Publication:
    """Return the result of a command; `error` None means success."""
    error_text = None if error is None else _error(error)
    result_str = '' if error is not None else write_values(data)
    message = DeviceCommandResult(uid, cmd_id, error is None, error_text or '', result_str)
    return Publication(DEVICE_CMD_RESULT_TOPIC, raw(message))


def _error(error: object) -> str:
    text = str(error)[:_MAX_ERROR] or 'no reason given'
    # A lone surrogate, for example of a file name, cannot be sent.
    return text.encode('utf-8', 'replace').decode()


def sample(uid: int, stream: str, data: Any) -> Publication:
    """Return a sample of a stream."""
    message = DeviceStream(uid, write_values(data))
    return Publication(DEVICE_STREAM_TOPIC(uid, stream), raw(message))


def answer_frame(frame: CallService, error: str | None) -> ServiceResponse:
    """Return the answer to a command; with an `error` the command is refused."""
    values = DeviceCommandResponse(error is None, error or '')
    return ServiceResponse(id=frame.id, service=frame.service, values=raw(values), result=True)


def read_command(frame: CallService) -> ReceivedCommand:
    """Decode a command; raises FrameError or ValueMismatchError."""
    name = parse_service(frame.service)
    if name.uid is None:
        raise FrameError(f'expected a service of a device, got {frame.service!r}')
    if name.kind is ServiceKind.SERIALIZED_COMMAND:
        serialized = decode_message(frame.args, SerializedDeviceCommandRequest)
        return ReceivedCommand(
            name.uid, serialized.cmd_id, serialized.function_name, serialized.serialized_command
        )
    request = decode_message(frame.args, DeviceCommandRequest)
    arguments: dict[str, Value] = {}
    for field in request.args:
        try:
            arguments[field.name] = FieldType(field.type).parse(field.data)
        except ValueError as error:
            raise ValueMismatchError(f'{field.name}: {error}') from None
    return ReceivedCommand(name.uid, request.cmd_id, request.function_name, arguments)


def write_values(data: Any) -> str:
    """
    Encode values: a mapping as JSON, a string unchanged, others each preceded by `V`.

    Raises ValueMismatchError for values that cannot be encoded.
    """
    if isinstance(data, str):
        try:
            data.encode()
        except UnicodeEncodeError as error:
            raise ValueMismatchError(f'cannot send this text: {error}') from None
        return data
    if data is None:
        return '{}'
    if isinstance(data, (int, float)):
        data = (data,)
    try:
        if isinstance(data, (list, tuple)):
            return ''.join(f'V{_plain(value)}' for value in data)
        return msgspec.json.encode(data).decode()
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueMismatchError(f'cannot send these values: {error}') from None


def error_of(values: msgspec.Raw, result: Any) -> str | None:
    """Return the error of a failed call, None if it succeeded."""
    if result is not True:
        return _text(values)
    try:
        answer = msgspec.json.decode(values, type=_Success)
    except (msgspec.DecodeError, UnicodeError):
        return _text(values)
    return None if answer.success else answer.error or 'no reason given'


class _Success(msgspec.Struct):
    success: bool
    error: str = ''


def _plain(value: object) -> str:
    kind = FieldType.STRING
    if isinstance(value, float):
        kind = FieldType.FLOAT64
    elif isinstance(value, int):
        kind = FieldType.INT64
        value = int(value)
    return kind.format(kind.check(value))


def _text(values: msgspec.Raw) -> str:
    try:
        decoded = msgspec.json.decode(values)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return 'the answer is not valid JSON'
    return decoded if isinstance(decoded, str) else 'the call was refused'
