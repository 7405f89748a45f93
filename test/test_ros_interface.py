"""The declared topics and services are those of a running device manager."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from node_in_process import manager_in_process
from rclpy.node import Node
from rclpy.qos import QoSProfile

from hos_device_layer import qos
from hos_device_layer.core.dispatch.events import ConnectRequested
from hos_device_layer.links.gateway.link import GATEWAY_LINK
from hos_device_layer.links.ros import ROS_LINK
from hos_device_layer.ros_interface import MANAGER, SERVICES, TOPICS

# Devices of the sample: one that takes typed commands, with streams, and one of a serialized type.
TYPED_UID, SERIALIZED_UID = 13213001, 13212703
FROM_ROS = {'/rosout', '/parameter_events', '/clock'}


@pytest.fixture(scope='module')
def manager(tmp_path_factory: pytest.TempPathFactory, ros_domain_id: int) -> Iterator[Any]:
    with manager_in_process(tmp_path_factory.mktemp('state')) as (_, manager):
        for link, uid in ((ROS_LINK, TYPED_UID), (GATEWAY_LINK, SERIALIZED_UID)):
            assert manager.handle_event(link, ConnectRequested(uid)).success
        yield manager


def declared(name: str) -> str:
    """Return the declared form of the name of an entity."""
    relative = name if name == '/diagnostics' else name.removeprefix('/')
    for uid in (TYPED_UID, SERIALIZED_UID):
        relative = relative.replace(f'/uid{uid}/', '/uid{uid}/')
    head, slash, _ = relative.partition('/stream/')
    return f'{head}/stream/{{stream_name}}' if slash else relative


def type_name(message_type: Any) -> str:
    package, kind, *_ = message_type.__module__.split('.')
    return f'{package}/{kind}/{message_type.__name__}'


def profile(name: str) -> tuple[object, ...]:
    if name == 'stream_qos':
        # Nobody publishes the stream yet.
        return (qos.RESULT_QOS.reliability, qos.STREAM_DEPTH)
    return values(getattr(qos, name))


def values(used: QoSProfile) -> tuple[object, ...]:
    return used.reliability, used.depth


def topics_of(entities: Any) -> set[tuple[str, str, tuple[object, ...]]]:
    return {
        (declared(e.topic_name), type_name(e.msg_type), values(e.qos_profile))
        for e in entities
        if e.topic_name not in FROM_ROS
    }


def services_of(node: Node, entities: Any) -> set[tuple[str, str, tuple[object, ...]]]:
    own = node.get_fully_qualified_name() + '/'  # the services of parameters
    return {
        (declared(name), type_name(e.srv_type), values(e.qos_profile))
        for e in entities
        if not (name := node.resolve_service_name(e.srv_name)).startswith(own)
    }


def test_the_published_topics(manager: Any) -> None:
    assert topics_of(manager.publishers) == {
        (t.name, t.message_type, profile(t.qos)) for t in TOPICS if t.publisher == MANAGER
    }


def test_the_subscribed_topics(manager: Any) -> None:
    # A reader of the status keeps those of several managers.
    profiles = {'STATUS_QOS': profile('STATUS_READER_QOS')}
    assert topics_of(manager.subscriptions) == {
        (t.name, t.message_type, profiles.get(t.qos) or profile(t.qos))
        for t in TOPICS
        if MANAGER in t.subscriber
    }


def test_the_services(manager: Any) -> None:
    by_name = {s.name: (s.name, s.service_type, profile(s.qos)) for s in SERVICES}
    serialized, typed = (
        'haive_os/device/uid{uid}/serialized_command',
        ('haive_os/device/uid{uid}/command'),
    )
    # The manager serves the commands of a device behind the gateway itself.
    served = {s.name for s in SERVICES if s.server == MANAGER}
    assert services_of(manager, manager.services) == {
        by_name[name] for name in served | {serialized}
    }
    assert services_of(manager, manager.clients) == {by_name[typed]}
