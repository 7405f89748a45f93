"""Which subscribers receive which messages, under which names and at which rate."""

from __future__ import annotations

import gc
import json
import os
import sys
import tracemalloc
import weakref

import cbor2
import msgspec
import pytest
from peers import (
    STREAM,
    UID,
    Peer,
)

from hos_device_layer.core.rosbridge import Session, SessionLimits, subscriptions
from hos_device_layer.core.rosbridge.broker import Broker
from hos_device_layer.core.rosbridge.close_reasons import (
    TOO_SLOW,
)
from hos_device_layer.core.rosbridge.compression import encode_publication
from hos_device_layer.core.rosbridge.messages import DeviceStream
from hos_device_layer.core.rosbridge.names import parse_topic
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


def test_the_fastest_rate_of_several_subscriptions_is_used(broker: Broker, peer: Peer) -> None:
    for rate in (1000, 100, 2000):
        peer.says({'op': 'subscribe', 'topic': STREAM, 'id': f'{rate}', 'throttle_rate': rate})
    assert samples(broker, peer, 10.0, 10.05, 10.1, 10.5) == ['V10.0', 'V10.1', 'V10.5']
    peer.says({'op': 'unsubscribe', 'topic': STREAM, 'id': '100'})
    assert samples(broker, peer, 11.0, 11.4, 11.5, 12.0) == ['V11.5']
    # The same id again, with another rate.
    peer.says({'op': 'subscribe', 'topic': STREAM, 'id': '1000', 'throttle_rate': 0})
    assert samples(broker, peer, 13.0, 13.0) == ['V13.0', 'V13.0']
    peer.says({'op': 'unsubscribe', 'topic': STREAM, 'id': '1000'})
    assert samples(broker, peer, 14.0, 15.0, 15.5) == ['V15.0']


def samples(broker: Broker, peer: Peer, *times: float) -> list[str]:
    for now in times:
        broker.publish(STREAM, DeviceStream(UID, f'V{now}'), now)
    return [frame['msg']['data'] for frame in peer.hears()]


def test_each_id_counts_as_a_subscription(broker: Broker) -> None:
    peer = Peer(broker, limits=SessionLimits(subscriptions=3))
    for frame_id in (None, 'a', 'a', 1, 'b'):
        peer.says({'op': 'subscribe', 'topic': STREAM, 'id': frame_id})
    assert 'at most 3 subscriptions' in peer.refusal()
    assert peer.session.subscription_count == 3
    peer.says({'op': 'unsubscribe', 'topic': STREAM, 'id': 'a'})
    peer.says({'op': 'unsubscribe', 'topic': STREAM, 'id': 'a'})
    assert peer.session.subscription_count == 2
    peer.says({'op': 'unsubscribe', 'topic': STREAM})
    assert peer.session.subscription_count == 0


def test_ending_a_session_costs_what_it_subscribed_to(broker: Broker, peer: Peer) -> None:
    crowd = [Peer(broker) for _ in range(10)]
    for other in crowd:
        for n in range(100):
            other.says({'op': 'subscribe', 'topic': f'haive_os/device/uid{n}/stream/s'})
    peer.says({'op': 'subscribe', 'topic': STREAM})
    calls = []
    sys.setprofile(lambda _, event, __: calls.append(event))
    broker.close_session(peer.session)
    sys.setprofile(None)
    assert len(calls) < 100


@pytest.mark.parametrize('name', [STREAM, 'haive_os/device/uid{}/stream/s'])
def test_all_memory_of_a_closed_session_is_freed(broker: Broker, name: str) -> None:
    """Counts what this package allocates: other threads of the process allocate, too."""
    tracemalloc.start()
    try:
        storm(broker, name)  # Tables that have grown do not shrink.
        before = allocated()
        tracemalloc.reset_peak()
        total = tracemalloc.get_traced_memory()[0]
        session = storm(broker, name)
        assert tracemalloc.get_traced_memory()[1] - total < 10_000_000
        assert session() is None
        assert allocated() - before < 10_000
    finally:
        tracemalloc.stop()


def allocated() -> int:
    gc.collect()
    core = tracemalloc.Filter(True, f'*{os.sep}core{os.sep}rosbridge{os.sep}*')
    statistics = tracemalloc.take_snapshot().filter_traces([core]).statistics('filename')
    return sum(statistic.size for statistic in statistics)


def storm(broker: Broker, name: str) -> weakref.ref[Session]:
    """Let a peer do what the gateway keeps in mind, 3,000 times, and go."""
    peer = Peer(broker)
    for n in range(3_000):
        topic = name.format(n)
        peer.says({'op': 'subscribe', 'topic': topic, 'id': f'{n}' + 'i' * 240})
        peer.says({'op': 'advertise', 'topic': topic, 'latch': True})
        peer.says({'op': 'sync', 'client': f'{n}', 'remove': [f'{n}']})
        broker.publish(topic, DeviceStream(n, 'V1'), 0.0)
    broker.close_session(peer.session)
    session = weakref.ref(peer.session)
    del peer
    gc.collect()
    # Parsed names stay in a cache of a fixed size.
    parse_topic.cache_clear()
    return session


@pytest.mark.parametrize('compression', ['cbor-raw', 'gzip', '', 'x' * 1_000])
def test_an_unknown_compression_is_refused_with_the_valid_ones(
    peer: Peer, compression: str
) -> None:
    peer.says({'op': 'subscribe', 'topic': STREAM, 'compression': compression})
    refusal = peer.refusal()
    assert refusal.startswith('unknown compression') and len(refusal) < 200
    assert refusal.endswith('valid values: none, png, cbor')


def test_the_strongest_compression_of_several_subscriptions_is_used(
    broker: Broker, peer: Peer
) -> None:
    data = 'V1' * 500
    heard = []
    for frame_id, compression in enumerate(('none', 'png', 'cbor')):
        peer.says({'op': 'subscribe', 'topic': STREAM, 'id': frame_id, 'compression': compression})
        broker.publish(STREAM, DeviceStream(UID, data), 0.0)
        heard += peer.hears_encoded()
    plain, png, cbor = heard
    assert isinstance(plain, str) and json.loads(plain)['op'] == 'publish'
    assert isinstance(png, str) and json.loads(png)['op'] == 'png'
    assert isinstance(cbor, bytes) and cbor2.loads(cbor) == json.loads(plain)
    peer.says({'op': 'unsubscribe', 'topic': STREAM, 'id': 2})
    broker.publish(STREAM, DeviceStream(UID, data), 0.0)
    assert peer.hears_encoded() == [png]


def test_a_message_is_encoded_once_in_each_form(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    forms = [(name, form) for name in (STREAM, '/' + STREAM) for form in ('none', 'png', 'cbor')]
    peers = [(Peer(broker), name, form) for name, form in forms for _ in range(5)]
    for peer, name, form in peers:
        peer.says({'op': 'subscribe', 'topic': name, 'compression': form})
    encoded: list[tuple[str, str]] = []

    def recorded(name: str, message: msgspec.Struct, form: str) -> str | bytes:
        encoded.append((name, form))
        return encode_publication(name, message, form)

    monkeypatch.setattr(subscriptions, 'encode_publication', recorded)
    broker.publish(STREAM, DeviceStream(UID, 'V1'), 0.0)
    assert sorted(encoded) == sorted(forms)
    assert all(len(peer.hears_encoded()) == 1 for peer, _, _ in peers)


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
