"""The names of topics and services that the gateway accepts."""

from __future__ import annotations

import pytest

from hos_device_layer import services, topics
from hos_device_layer.core.rosbridge.frames import FrameError
from hos_device_layer.core.rosbridge.names import (
    ServiceKind,
    ServiceName,
    TopicKind,
    TopicName,
    check_type,
    parse_service,
    parse_topic,
)

UID = 2**32 - 1


@pytest.mark.parametrize('slash', ['', '/'])
@pytest.mark.parametrize(
    ('name', 'kind'),
    [
        (topics.DEVICE_PING_TOPIC, TopicKind.PING),
        (topics.DEVICE_CMD_RESULT_TOPIC, TopicKind.COMMAND_RESULT),
        (topics.DEVICE_API_CALL_RESULT_TOPIC, TopicKind.API_CALL_RESULT),
        (topics.DEVICE_CONNECTED, TopicKind.CONNECTION_EVENT),
        (topics.DEVICE_TIMEOUT, TopicKind.CONNECTION_EVENT),
        (topics.DEVICE_RECONNECTED, TopicKind.CONNECTION_EVENT),
        (topics.DEVICE_DISCONNECTED, TopicKind.CONNECTION_EVENT),
    ],
)
def test_topics_of_the_device_manager(slash: str, name: str, kind: TopicKind) -> None:
    assert parse_topic(slash + name) == TopicName(name, kind)


@pytest.mark.parametrize('uid', [0, 7, UID])
def test_a_stream_topic_has_a_uid_and_a_stream(uid: int) -> None:
    name = topics.DEVICE_STREAM_TOPIC(uid, 'temperature')
    assert parse_topic('/' + name) == TopicName(name, TopicKind.STREAM, uid, 'temperature')


@pytest.mark.parametrize('slash', ['', '/'])
@pytest.mark.parametrize(
    ('name', 'kind', 'uid'),
    [
        (services.CONNECT_DEVICE_SERVICE, ServiceKind.CONNECT, None),
        (services.DEVICE_API_CALL_SERVICE, ServiceKind.API_CALL, None),
        (services.DEVICE_CONNECTION_INFOS_SERVICE, ServiceKind.CONNECTED_DEVICES, None),
        (services.DEVICE_COMMAND_SERVICE(7), ServiceKind.COMMAND, 7),
        (services.SERIALIZED_DEVICE_COMMAND_SERVICE(7), ServiceKind.SERIALIZED_COMMAND, 7),
    ],
)
def test_services(slash: str, name: str, kind: ServiceKind, uid: int | None) -> None:
    assert parse_service(slash + name) == ServiceName(name, kind, uid)


@pytest.mark.parametrize(
    'name',
    [
        '',
        '/',
        '/rosout',
        'cmd_vel',
        '//haive_os/device/ping',
        'haive_os/device/ping/',
        'haive_os/device/uid7/stream/',
        'haive_os/device/uid7/stream/a/b',
        'haive_os/device/uid7/stream/a b',
        f'haive_os/device/uid7/stream/{"x" * 201}',
        'haive_os/device/uid-7/stream/x',
        'haive_os/device/uid٧/stream/x',
    ],
)
def test_other_topics_are_refused(name: str) -> None:
    with pytest.raises(FrameError, match='is not a topic of the device layer'):
        parse_topic(name)


@pytest.mark.parametrize('name', ['', '/rosapi/topics', 'haive_os/device_db/reload', '/connect'])
def test_other_services_are_refused(name: str) -> None:
    with pytest.raises(FrameError, match='is not a service of the device layer'):
        parse_service(name)


@pytest.mark.parametrize('digits', ['007', '00', str(UID + 1), '9999999999'])
def test_a_number_that_is_not_a_uid_is_refused(digits: str) -> None:
    for parse, leaf in ((parse_topic, 'stream/x'), (parse_service, 'command')):
        with pytest.raises(FrameError, match=f'{digits} is not a uid; expected a decimal number'):
            parse(f'haive_os/device/uid{digits}/{leaf}')


@pytest.mark.parametrize('given', ['', 'std_msgs/UInt32', 'std_msgs/msg/UInt32'])
def test_a_type_is_accepted_in_both_forms_or_may_be_missing(given: str) -> None:
    check_type(given, TopicKind.PING)


@pytest.mark.parametrize('given', ['std_msgs/String', 'UInt32', 'other/msg/UInt32', 'std_msgs/'])
def test_another_type_is_refused_with_the_expected_one(given: str) -> None:
    with pytest.raises(FrameError, match='expected type std_msgs/UInt32, got '):
        check_type(given, TopicKind.PING)


@pytest.mark.parametrize('kind', list(TopicKind))
def test_a_topic_of_the_device_manager_cannot_come_from_a_device(kind: TopicKind) -> None:
    assert kind.comes_from_devices or kind.can_be_subscribed
    both = kind.comes_from_devices and kind.can_be_subscribed
    assert both == (kind is TopicKind.STREAM)
