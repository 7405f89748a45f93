"""Which subscribers receive which messages, under which names and at which rate."""

from __future__ import annotations

from peers import (
    STREAM,
    UID,
    Peer,
)

from hos_device_layer.core.rosbridge.broker import Broker
from hos_device_layer.core.rosbridge.close_reasons import (
    TOO_SLOW,
)
from hos_device_layer.core.rosbridge.messages import DeviceStream
from hos_device_layer.core.rosbridge.session import MAX_UNSENT


def test_subscribers_receive_the_topic_name_that_they_sent(broker: Broker) -> None:
    plain, slashed, silent = Peer(broker), Peer(broker), Peer(broker)
    plain.says({'op': 'subscribe', 'topic': STREAM})
    slashed.says({'op': 'subscribe', 'topic': '/' + STREAM, 'id': 's'})
    broker.publish(STREAM, DeviceStream(UID, 'V1'), 0.0)
    assert plain.hears() == [{'op': 'publish', 'topic': STREAM, 'msg': {'uid': UID, 'data': 'V1'}}]
    assert [frame['topic'] for frame in slashed.hears()] == ['/' + STREAM]
    assert silent.hears() == []


def test_each_subscription_id_ends_on_its_own(broker: Broker, peer: Peer) -> None:
    for frame_id in 'ab':
        peer.says({'op': 'subscribe', 'topic': STREAM, 'id': frame_id})
    peer.says({'op': 'unsubscribe', 'topic': STREAM, 'id': 'a'})
    assert broker.is_wanted(STREAM)
    broker.publish(STREAM, DeviceStream(UID, 'V1'), 0.0)
    assert len(peer.hears()) == 1
    peer.says({'op': 'unsubscribe', 'topic': STREAM, 'id': 'b'})
    assert not broker.is_wanted(STREAM)
    peer.says({'op': 'unsubscribe', 'topic': STREAM})
    assert peer.hears() == []


def test_a_throttled_subscription_skips_messages(broker: Broker, peer: Peer) -> None:
    peer.says({'op': 'subscribe', 'topic': STREAM, 'throttle_rate': 1000})
    for now in (10.0, 10.5, 10.9, 11.0, 11.5):
        broker.publish(STREAM, DeviceStream(UID, f'V{now}'), now)
    assert [frame['msg']['data'] for frame in peer.hears()] == ['V10.0', 'V11.0']


def test_a_closed_session_has_no_subscriptions(broker: Broker, peer: Peer) -> None:
    peer.says({'op': 'subscribe', 'topic': STREAM})
    broker.close_session(peer.session)
    assert not broker.is_wanted(STREAM)


def test_the_slowest_rate_of_several_subscriptions_is_used(broker: Broker, peer: Peer) -> None:
    for rate in (100, 1000, 0):
        peer.says({'op': 'subscribe', 'topic': STREAM, 'id': f'{rate}', 'throttle_rate': rate})
    for now in (10.0, 10.5, 11.0):
        broker.publish(STREAM, DeviceStream(UID, f'V{now}'), now)
    assert [frame['msg']['data'] for frame in peer.hears()] == ['V10.0', 'V11.0']


def test_without_an_id_all_subscriptions_of_the_topic_end(broker: Broker, peer: Peer) -> None:
    for frame_id in 'ab':
        peer.says({'op': 'subscribe', 'topic': STREAM, 'id': frame_id})
    peer.says({'op': 'unsubscribe', 'topic': STREAM})
    assert not broker.is_wanted(STREAM)
    assert peer.session.subscription_count == 0


def test_unsubscribing_ends_only_the_name_that_was_sent(broker: Broker, peer: Peer) -> None:
    for name in (STREAM, '/' + STREAM):
        peer.says({'op': 'subscribe', 'topic': name})
    assert peer.session.subscription_count == 2
    peer.says({'op': 'unsubscribe', 'topic': '/' + STREAM})
    broker.publish(STREAM, DeviceStream(UID, 'V1'), 0.0)
    assert [frame['topic'] for frame in peer.hears()] == [STREAM]


def test_a_session_that_is_closed_by_a_message_does_not_stop_the_others(broker: Broker) -> None:
    slow, neighbour = Peer(broker), Peer(broker)
    for peer in (slow, neighbour):
        peer.says({'op': 'subscribe', 'topic': STREAM})
    slow.is_slow = True
    slow.session.send_text('x' * MAX_UNSENT)
    broker.publish(STREAM, DeviceStream(UID, 'V1'), 0.0)
    assert slow.session.closing == TOO_SLOW
    assert len(neighbour.hears()) == 1
