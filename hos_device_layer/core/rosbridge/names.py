"""The names of topics and services that the gateway accepts, and what each means."""

from __future__ import annotations

import enum
import re
from functools import lru_cache
from typing import NamedTuple

from ... import services, topics
from ..text import shortened
from .frames import FrameError

_MAX_UID = 2**32 - 1

# The cache holds a few names for each of a thousand devices. Invalid names are not cached, so a
# peer cannot fill it with long names.
_CACHE_SIZE = 8_192

_DEVICE_STREAM = re.compile(r'haive_os/device/uid([0-9]{1,10})/stream/([^/\s]{1,200})')
_DEVICE_COMMAND = re.compile(r'haive_os/device/uid([0-9]{1,10})/(serialized_command|command)')


class TopicKind(enum.Enum):
    """The kinds of topics; the value is the type of their messages."""

    PING = 'std_msgs/UInt32'
    COMMAND_RESULT = 'hos_interfaces/DeviceCommandResult'
    STREAM = 'hos_interfaces/DeviceStream'
    API_CALL_RESULT = 'hos_interfaces/DeviceAPICallResult'
    CONNECTION_EVENT = 'hos_interfaces/ConnectionInfo'

    @property
    def comes_from_devices(self) -> bool:
        """Whether devices publish such topics."""
        return self in (TopicKind.PING, TopicKind.COMMAND_RESULT, TopicKind.STREAM)

    @property
    def can_be_subscribed(self) -> bool:
        """Whether peers may subscribe to such topics."""
        return self in (TopicKind.STREAM, TopicKind.API_CALL_RESULT, TopicKind.CONNECTION_EVENT)


class ServiceKind(enum.Enum):
    """The kinds of services; the value is their type."""

    CONNECT = 'hos_interfaces/ConnectDevice'
    API_CALL = 'hos_interfaces/DeviceAPICall'
    CONNECTED_DEVICES = 'hos_interfaces/DeviceConnectionInfos'
    COMMAND = 'hos_interfaces/DeviceCommand'
    SERIALIZED_COMMAND = 'hos_interfaces/SerializedDeviceCommand'


class TopicName(NamedTuple):
    """A parsed topic name; `uid` and `stream` are set for a stream only."""

    name: str
    kind: TopicKind
    uid: int | None = None
    stream: str = ''


class ServiceName(NamedTuple):
    """A parsed service name; `uid` is set for a service of a device."""

    name: str
    kind: ServiceKind
    uid: int | None = None


_TOPICS = {
    topics.DEVICE_PING_TOPIC: TopicKind.PING,
    topics.DEVICE_CMD_RESULT_TOPIC: TopicKind.COMMAND_RESULT,
    topics.DEVICE_API_CALL_RESULT_TOPIC: TopicKind.API_CALL_RESULT,
    topics.DEVICE_CONNECTED: TopicKind.CONNECTION_EVENT,
    topics.DEVICE_TIMEOUT: TopicKind.CONNECTION_EVENT,
    topics.DEVICE_RECONNECTED: TopicKind.CONNECTION_EVENT,
    topics.DEVICE_DISCONNECTED: TopicKind.CONNECTION_EVENT,
}

_SERVICES = {
    services.CONNECT_DEVICE_SERVICE: ServiceKind.CONNECT,
    services.DEVICE_API_CALL_SERVICE: ServiceKind.API_CALL,
    services.DEVICE_CONNECTION_INFOS_SERVICE: ServiceKind.CONNECTED_DEVICES,
}


@lru_cache(_CACHE_SIZE)
def parse_topic(name: str) -> TopicName:
    """Parse a topic name, with or without a leading `/`; raises FrameError."""
    relative = name.removeprefix('/')
    if kind := _TOPICS.get(relative):
        return TopicName(relative, kind)
    if match := _DEVICE_STREAM.fullmatch(relative):
        return TopicName(relative, TopicKind.STREAM, _uid(match[1]), match[2])
    raise FrameError(
        f'{shortened(name)} is not a topic of the device layer; the gateway accepts only ping, '
        'command_result, api_call_result, stream and connection event topics'
    )


@lru_cache(_CACHE_SIZE)
def parse_service(name: str) -> ServiceName:
    """Parse a service name, with or without a leading `/`; raises FrameError."""
    relative = name.removeprefix('/')
    if kind := _SERVICES.get(relative):
        return ServiceName(relative, kind)
    if match := _DEVICE_COMMAND.fullmatch(relative):
        kind = ServiceKind.COMMAND if match[2] == 'command' else ServiceKind.SERIALIZED_COMMAND
        return ServiceName(relative, kind, _uid(match[1]))
    raise FrameError(
        f'{shortened(name)} is not a service of the device layer; the gateway accepts only '
        "connect, api_call, connected_devices and the devices' command services"
    )


def check_type(given: str, kind: TopicKind | ServiceKind) -> None:
    """Check the type that a peer sent: `pkg/Name`, `pkg/msg/Name` or empty; raises FrameError."""
    package, _, rest = given.partition('/')
    if given and f'{package}/{rest.rpartition("/")[2]}' != kind.value:
        raise FrameError(f'expected type {kind.value}, got {shortened(given)}')


def check_publisher(topic: TopicName) -> None:
    """Check that devices publish on a topic; raises FrameError."""
    if not topic.kind.comes_from_devices:
        raise FrameError(f'{topic.name} is published by the device manager only')


def _uid(digits: str) -> int:
    uid = int(digits)
    if uid > _MAX_UID or digits != str(uid):
        raise FrameError(f'{digits} is not a uid; expected a decimal number from 0 to {_MAX_UID}')
    return uid
