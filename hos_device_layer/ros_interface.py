"""
The topics and services of the device layer: types, quality of service, and which side offers them.

The names come from `topics` and `services`; `qos` is the name of a profile in the module `qos`,
'' for the default of ROS 2. docs/reference/ros_interface.md is generated from this table.
"""

from __future__ import annotations

from typing import NamedTuple

from . import services, topics

MANAGER = 'device manager'
DEVICE = 'device'
CALLER = 'caller'

_STREAM = '{stream_name}'


class TopicDeclaration(NamedTuple):
    """A topic, who publishes on it and who subscribes to it."""

    name: str
    message_type: str
    publisher: str
    subscriber: str
    qos: str
    meaning: str


class ServiceDeclaration(NamedTuple):
    """A service, who serves it and who calls it."""

    name: str
    service_type: str
    server: str
    client: str
    qos: str
    meaning: str


def _for_any_uid(name: str) -> str:
    return name.replace('/uid0/', '/uid{uid}/')


def _connection_event(name: str, meaning: str) -> TopicDeclaration:
    return TopicDeclaration(
        name, 'hos_interfaces/msg/ConnectionInfo', MANAGER, CALLER, 'EVENT_QOS', meaning
    )


TOPICS = (
    TopicDeclaration(
        topics.DEVICE_PING_TOPIC,
        'std_msgs/msg/UInt32',
        DEVICE,
        MANAGER,
        'PING_QOS',
        'The uid of a device that is alive.',
    ),
    TopicDeclaration(
        topics.DEVICE_CMD_RESULT_TOPIC,
        'hos_interfaces/msg/DeviceCommandResult',
        DEVICE,
        MANAGER,
        'RESULT_QOS',
        'How a command ended.',
    ),
    TopicDeclaration(
        _for_any_uid(topics.DEVICE_STREAM_TOPIC(0, _STREAM)),
        'hos_interfaces/msg/DeviceStream',
        DEVICE,
        MANAGER,
        'stream_qos',
        'The samples of a stream of a device.',
    ),
    TopicDeclaration(
        topics.DEVICE_API_CALL_RESULT_TOPIC,
        'hos_interfaces/msg/DeviceAPICallResult',
        MANAGER,
        CALLER,
        'RESULT_QOS',
        'The one result of each accepted call, for all callers; `task_id` says of which.',
    ),
    _connection_event(topics.DEVICE_CONNECTED, 'A device has connected for the first time.'),
    _connection_event(topics.DEVICE_TIMEOUT, 'A connected device has timed out.'),
    _connection_event(topics.DEVICE_RECONNECTED, 'A device is back, or has connected again.'),
    _connection_event(topics.DEVICE_DISCONNECTED, 'A device was disconnected.'),
    TopicDeclaration(
        topics.DEVICE_MANAGER_STATUS_TOPIC,
        'hos_interfaces/msg/DeviceManagerStatus',
        MANAGER,
        f'{CALLER}, {MANAGER}',
        'STATUS_QOS',
        'The manager of this namespace; a second one sees it and ends.',
    ),
    TopicDeclaration(
        '/diagnostics',
        'diagnostic_msgs/msg/DiagnosticArray',
        MANAGER,
        CALLER,
        'DIAGNOSTICS_QOS',
        'One status for the device manager and one for each device (REP 107).',
    ),
)

SERVICES = (
    ServiceDeclaration(
        services.CONNECT_DEVICE_SERVICE,
        'hos_interfaces/srv/ConnectDevice',
        MANAGER,
        DEVICE,
        'SERVICE_QOS',
        'Connects a device.',
    ),
    ServiceDeclaration(
        services.DEVICE_API_CALL_SERVICE,
        'hos_interfaces/srv/DeviceAPICall',
        MANAGER,
        CALLER,
        'SERVICE_QOS',
        'Calls a function of a device. Answers at once: refused, or accepted with a `task_id`.',
    ),
    ServiceDeclaration(
        services.DEVICE_CONNECTION_INFOS_SERVICE,
        'hos_interfaces/srv/DeviceConnectionInfos',
        MANAGER,
        CALLER,
        'SERVICE_QOS',
        'Lists the devices that are connected now.',
    ),
    ServiceDeclaration(
        services.DESCRIBE_DEVICES_SERVICE,
        'hos_interfaces/srv/DescribeDevices',
        MANAGER,
        CALLER,
        'SERVICE_QOS',
        'Describes devices, and the functions and streams of their types.',
    ),
    ServiceDeclaration(
        services.DEVICE_DB_RELOAD_SERVICE,
        'std_srvs/srv/Trigger',
        MANAGER,
        CALLER,
        'SERVICE_QOS',
        'Reads the specification again; `message` says what changed. `success` is false if it '
        'could not be read or used; `message` then says why, and what is used instead.',
    ),
    ServiceDeclaration(
        _for_any_uid(services.DEVICE_COMMAND_SERVICE(0)),
        'hos_interfaces/srv/DeviceCommand',
        DEVICE,
        MANAGER,
        'SERVICE_QOS',
        'Gives a device a command with typed arguments.',
    ),
    ServiceDeclaration(
        _for_any_uid(services.SERIALIZED_DEVICE_COMMAND_SERVICE(0)),
        'hos_interfaces/srv/SerializedDeviceCommand',
        DEVICE,
        MANAGER,
        'SERVICE_QOS',
        'Gives a device of a `serialized_api` type a command as one text.',
    ),
)
