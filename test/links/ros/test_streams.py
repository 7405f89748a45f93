"""Subscriptions to streams that follow what their publishers offer, over real DDS."""

from __future__ import annotations

from typing import Any

import pytest
from event_recorder import EventRecorder
from hos_interfaces.msg import DeviceStream
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from ros_nodes import SpunNodes
from virtual_fleet import LIFT, make_spec

from hos_device_layer.core.dispatch.events import StreamSampled
from hos_device_layer.links.published_results import PublishedResults
from hos_device_layer.links.ros import RosLink
from hos_device_layer.links.ros import streams as module
from hos_device_layer.links.ros.streams import StreamSubscriptions
from hos_device_layer.topics import DEVICE_STREAM_TOPIC

UID: Any = LIFT.uid
STREAM = make_spec().streams['height']
TOPIC = DEVICE_STREAM_TOPIC(UID, STREAM.name)

RELIABLE = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
BEST_EFFORT = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)
LATCHED = QoSProfile(
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)


class StreamOfADevice:
    """The manager's side of one stream, which is polled, and the device's side of it."""

    def __init__(self, nodes: SpunNodes, recorder: EventRecorder) -> None:
        self._nodes = nodes
        self._recorder = recorder
        self._publisher: Publisher | None = None
        self.manager: Node = nodes['device_manager']
        self.link = RosLink(self.manager, recorder, PublishedResults())
        self.device: Node = nodes['device']

    def open(self) -> None:
        self.link.open(LIFT, False, (STREAM,))

    def publisher(self, qos: QoSProfile) -> Publisher:
        """Start to publish with this profile, and stop to publish with another one."""
        if self._publisher is not None:
            self.device.destroy_publisher(self._publisher)
        self._publisher = self.device.create_publisher(DeviceStream, TOPIC, qos)
        return self._publisher

    def wait_until(self, condition: Any) -> None:
        def holds() -> bool:
            self.link.poll()
            return bool(condition())

        self._nodes.spin_until(holds)

    def profiles(self) -> list[Any]:
        """Return the reliability and the durability of the manager's subscriptions."""
        name = self.device.resolve_topic_name(TOPIC)
        infos = self.device.get_subscriptions_info_by_topic(name)
        return [(i.qos_profile.reliability, i.qos_profile.durability) for i in infos]

    def wait_for_subscription(self, qos: QoSProfile) -> None:
        """Wait for a subscription with this reliability and durability."""
        self.wait_until(lambda: (qos.reliability, qos.durability) in self.profiles())

    def wait_for_one_subscription(self, qos: QoSProfile) -> None:
        """Wait until this subscription is the only one."""
        self.wait_until(lambda: self.profiles() == [(qos.reliability, qos.durability)])

    def samples(self) -> list[str]:
        return [event.data for _, event in self._recorder.of_type(StreamSampled)]

    def publish_and_wait(self, publisher: Publisher, *data: str) -> None:
        """Publish to a matched subscription, and wait until the samples have been reported."""
        self.wait_until(publisher.get_subscription_count)
        for sample in data:
            publisher.publish(DeviceStream(uid=UID, data=sample))
        self.wait_until(lambda: len(self.samples()) >= len(data))


@pytest.fixture
def stream(nodes: SpunNodes, recorder: EventRecorder) -> StreamOfADevice:
    return StreamOfADevice(nodes, recorder)


@pytest.mark.parametrize('qos', [RELIABLE, BEST_EFFORT, LATCHED], ids=['reliable', 'best', 'kept'])
@pytest.mark.parametrize('first', ['publisher', 'subscription'])
def test_a_subscription_asks_for_what_its_publisher_offers_in_either_order(
    stream: StreamOfADevice, qos: QoSProfile, first: str
) -> None:
    if first == 'subscription':
        stream.open()
    publisher = stream.publisher(qos)
    if first == 'publisher':
        stream.open()
    stream.wait_for_subscription(qos)
    stream.publish_and_wait(publisher, 'V1', 'V2')
    stream.wait_for_one_subscription(qos)
    assert stream.samples() == ['V1', 'V2']


@pytest.mark.parametrize(
    ('before', 'after'),
    [(RELIABLE, BEST_EFFORT), (BEST_EFFORT, RELIABLE), (LATCHED, RELIABLE), (RELIABLE, LATCHED)],
)
def test_a_device_that_returns_with_another_profile_is_followed(
    stream: StreamOfADevice, before: QoSProfile, after: QoSProfile
) -> None:
    stream.publisher(before)
    stream.open()
    stream.wait_for_subscription(before)
    publisher = stream.publisher(after)
    stream.wait_for_subscription(after)
    stream.publish_and_wait(publisher, 'V1', 'V2')
    stream.wait_for_one_subscription(after)
    assert stream.samples() == ['V1', 'V2']


def test_a_reliable_publisher_that_comes_later_loses_no_sample(stream: StreamOfADevice) -> None:
    stream.open()
    publisher = stream.publisher(RELIABLE)
    stream.wait_until(publisher.get_subscription_count)
    expected = [f'V{n}' for n in range(50)]
    stream.publish_and_wait(publisher, *expected)
    assert stream.samples() == expected


def test_samples_are_reported_once_while_a_subscription_is_replaced(
    stream: StreamOfADevice,
) -> None:
    best_effort = stream.publisher(BEST_EFFORT)
    stream.open()
    stream.publish_and_wait(best_effort, 'V0')
    publisher = stream.publisher(RELIABLE)
    stream.wait_until(publisher.get_subscription_count)
    for number in range(1, 60):
        publisher.publish(DeviceStream(uid=UID, data=f'V{number}'))
        stream.link.poll()
        stream.wait_until(lambda n=number: len(stream.samples()) > n)
    stream.wait_for_one_subscription(RELIABLE)
    assert stream.samples() == [f'V{n}' for n in range(60)]


def test_a_latched_sample_reaches_a_subscription_that_was_there_before(
    stream: StreamOfADevice,
) -> None:
    stream.open()
    publisher = stream.publisher(LATCHED)
    # Before the publisher has discovered the subscription.
    publisher.publish(DeviceStream(uid=UID, data='V1'))
    stream.wait_until(stream.samples)
    stream.wait_for_one_subscription(LATCHED)
    assert stream.samples() == ['V1']


def test_a_subscription_has_no_events(stream: StreamOfADevice) -> None:
    # An event of a destroyed subscription would end the process: see NO_SUBSCRIPTION_EVENTS.
    stream.open()
    (subscription,) = (
        s for s in stream.manager.subscriptions if s.topic_name.endswith(STREAM.name)
    )
    assert subscription.event_handlers == []


class ComparedTopics:
    """Records which topics are compared with their publishers; each takes 1 ms."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.names: list[str] = []
        monkeypatch.setattr(module, 'stream_offers', self._compare)

    def clock(self) -> float:
        return self.now

    def poll(self, streams: StreamSubscriptions, count: int) -> None:
        """Poll for some time, 20 times in a second."""
        for _ in range(count):
            streams.poll()
            self.now += 0.05

    def _compare(self, _node: Node, topic: str) -> list[QoSProfile]:
        self.names.append(topic)
        self.now += 0.001
        return []


def test_the_cost_of_polls_does_not_depend_on_the_number_of_streams(
    nodes: SpunNodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = ComparedTopics(monkeypatch)
    streams = StreamSubscriptions(nodes['device_manager'], compared.clock)
    subscriptions = [streams.create(f'topic{n}', lambda _: None) for n in range(12)]
    subscriptions[11].destroy()
    compared.names.clear()
    compared.now = 0.0
    compared.poll(streams, 400)
    # All in turn, and no destroyed one.
    assert set(compared.names[:11]) == {f'topic{n}' for n in range(11)}
    assert set(compared.names[11:22]) == {f'topic{n}' for n in range(11)}
    # At most 1 % of the time.
    assert 100 < len(compared.names) <= compared.now * 0.01 / 0.001 + 1


def test_subscriptions_whose_publishers_have_changed_are_compared_at_once(
    nodes: SpunNodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = ComparedTopics(monkeypatch)
    streams = StreamSubscriptions(nodes['device_manager'], compared.clock)
    topics = [f'topic{n}' for n in range(200)]
    subscriptions = [streams.create(topic, lambda _: None) for topic in topics]
    for topic in topics:
        nodes['device'].create_publisher(DeviceStream, topic, RELIABLE)
    for each in subscriptions:
        nodes.spin_until(each._current.get_publisher_count)
        each.check()

    second = nodes['other_device'].create_publisher(DeviceStream, 'topic155', BEST_EFFORT)
    assert second is not None
    third = nodes['other_device'].create_publisher(DeviceStream, 'topic156', RELIABLE)
    nodes.spin_until(third.get_subscription_count)
    nodes.spin_until(subscriptions[156].may_not_fit)
    compared.names.clear()
    compared.poll(streams, 4)
    # Those that all are compared with in turn come first.
    assert 'topic156' in compared.names
    assert set(compared.names) <= {*topics[:4], 'topic156'}


def test_publishers_that_were_known_from_the_start_are_not_compared_again(
    nodes: SpunNodes,
) -> None:
    publisher = nodes['device'].create_publisher(DeviceStream, 'topic', RELIABLE)
    nodes.spin_until(lambda: nodes['device_manager'].count_publishers('topic'))
    stream = StreamSubscriptions(nodes['device_manager']).create('topic', lambda _: None)
    nodes.spin_until(publisher.get_subscription_count)
    nodes.spin_until(stream._current.get_publisher_count)
    assert not stream.may_not_fit()
