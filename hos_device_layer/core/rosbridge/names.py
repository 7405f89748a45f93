"""Which names pass the gateway, and what each means (DESIGN section 2)."""

from __future__ import annotations

import enum
import re
from functools import lru_cache
from typing import NamedTuple

from ... import services, topics
from ..text import shortened
from .frames import FrameError

_MAX_UID = 2**32 - 1

# Names understood before, a few for each of a thousand devices. Names that are refused are not
# remembered, so nobody can fill this with long ones.
_REMEMBERED = 8_192

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
        return self in (TopicKind.PING, TopicKind.COMMAND_RESULT, TopicKind.STREAM)

    @property
    def can_be_subscribed(self) -> bool:
        return self in (TopicKind.STREAM, TopicKind.API_CALL_RESULT, TopicKind.CONNECTION_EVENT)


class ServiceKind(enum.Enum):
    """The kinds of services; the value is their type."""

    CONNECT = 'hos_interfaces/ConnectDevice'
    API_CALL = 'hos_interfaces/DeviceAPICall'
    CONNECTED_DEVICES = 'hos_interfaces/DeviceConnectionInfos'
    COMMAND = 'hos_interfaces/DeviceCommand'
    SERIALIZED_COMMAND = 'hos_interfaces/SerializedDeviceCommand'

    @property
    def is_served_by_devices(self) -> bool:
        return self in (ServiceKind.COMMAND, ServiceKind.SERIALIZED_COMMAND)


class TopicName(NamedTuple):
    """A topic name, understood; `uid` and `stream` are set for a stream only."""

    name: str
    kind: TopicKind
    uid: int | None = None
    stream: str = ''


class ServiceName(NamedTuple):
    """A service name, understood; `uid` is set for one that a device serves."""

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


@lru_cache(_REMEMBERED)
def understand_topic(name: str) -> TopicName:
    """Understand a topic name, with or without a leading `/`; raises FrameError."""
    relative = name.removeprefix('/')
    if kind := _TOPICS.get(relative):
        return TopicName(relative, kind)
    if match := _DEVICE_STREAM.fullmatch(relative):
        return TopicName(relative, TopicKind.STREAM, _uid(match[1]), match[2])
    raise FrameError(
        f'{shortened(name)} is no topic of the device layer; the gateway passes its ping, '
        'command_result, api_call_result, stream and connection event topics only'
    )


@lru_cache(_REMEMBERED)
def understand_service(name: str) -> ServiceName:
    """Understand a service name, with or without a leading `/`; raises FrameError."""
    relative = name.removeprefix('/')
    if kind := _SERVICES.get(relative):
        return ServiceName(relative, kind)
    if match := _DEVICE_COMMAND.fullmatch(relative):
        kind = ServiceKind.COMMAND if match[2] == 'command' else ServiceKind.SERIALIZED_COMMAND
        return ServiceName(relative, kind, _uid(match[1]))
    raise FrameError(
        f'{shortened(name)} is no service of the device layer; the gateway passes its connect, '
        "api_call, connected_devices and the devices' command services only"
    )


def check_type(given: str, kind: TopicKind | ServiceKind) -> None:
    """Check the type a peer gives for a name, as `pkg/Name` or `pkg/msg/Name`; it may be empty."""
    package, _, rest = given.partition('/')
    if given and f'{package}/{rest.rpartition("/")[2]}' != kind.value:
        raise FrameError(f'the type here is {kind.value}, not {shortened(given)}')


def _uid(digits: str) -> int:
    uid = int(digits)
    if uid > _MAX_UID or digits != str(uid):
        raise FrameError(f'{digits} is no uid; uids are decimal numbers from 0 to {_MAX_UID}')
    return uid
