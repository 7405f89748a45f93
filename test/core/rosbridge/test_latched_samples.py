"""Which late subscribers receive which samples."""

from __future__ import annotations

from typing import Any

import pytest
from peers import OTHER, STREAM, UID, Peer

from hos_device_layer.core.rosbridge import latched_samples
from hos_device_layer.core.rosbridge.broker import Broker
from hos_device_layer.core.rosbridge.messages import DeviceStream

SUBSCRIBE = {'op': 'subscribe', 'topic': STREAM}


def latch(topic: str = STREAM, latched: Any = True) -> dict[str, Any]:
    return {'op': 'advertise', 'topic': topic, 'latch': latched}


def late(broker: Broker) -> list[Any]:
    """Return the samples that a late subscriber receives at once."""
    peer = Peer(broker)
    peer.says(SUBSCRIBE)
    samples = [frame['msg']['data'] for frame in peer.hears()]
    broker.close_session(peer.session)
    return samples


def publish(broker: Broker, data: str, is_latched: bool = False) -> None:
    if is_latched or broker.is_wanted(STREAM):
        broker.publish(STREAM, DeviceStream(UID, data), 0.0, is_latched)


def test_a_late_subscriber_receives_the_latest_sample_of_a_latched_stream(
    broker: Broker, peer: Peer
) -> None:
    peer.says(latch('/' + STREAM))
    assert late(broker) == []
    publish(broker, 'V1')
    publish(broker, 'V2')
    assert late(broker) == ['V2']


@pytest.mark.parametrize(
    'end', [{'op': 'unadvertise', 'topic': STREAM}, latch(latched=False), None]
)
def test_a_stream_is_latched_while_it_is_advertised(
    broker: Broker, peer: Peer, end: dict[str, Any] | None
) -> None:
    successor = Peer(broker)
    peer.says(latch())
    successor.says(latch())
    publish(broker, 'V1')
    for publisher in (peer, successor):
        assert late(broker) == ['V1']
        if end:
            publisher.says(end)
        else:
            broker.close_session(publisher.session)
    assert late(broker) == []
    assert not broker.is_wanted(STREAM)
    publish(broker, 'V2')
    assert late(broker) == []


def test_other_streams_are_not_latched(broker: Broker, peer: Peer) -> None:
    peer.says(latch(latched=False))
    peer.says(latch('haive_os/device/ping'))
    peer.says(SUBSCRIBE)
    publish(broker, 'V1')
    assert len(peer.hears()) == 1
    assert late(broker) == []


def test_a_sample_of_latched_ros_publishers_is_kept(broker: Broker) -> None:
    publish(broker, 'V1', is_latched=True)
    assert late(broker) == ['V1']
    # The publishers are no longer transient local.
    publish(broker, 'V2')
    assert late(broker) == []
    assert not broker.is_wanted(STREAM)


def test_a_peer_does_not_erase_the_sample_of_latched_ros_publishers(
    broker: Broker, peer: Peer
) -> None:
    publish(broker, 'V1', is_latched=True)
    for frame in (latch(), latch(latched=False), latch()):
        peer.says(frame)
    broker.close_session(peer.session)
    assert late(broker) == ['V1']


def test_the_samples_of_a_disconnected_device_are_dropped(broker: Broker, peer: Peer) -> None:
    peer.says(latch())
    publish(broker, 'V1')
    broker.forget_samples(OTHER)
    assert late(broker) == ['V1']
    broker.forget_samples(UID)
    assert late(broker) == []
    publish(broker, 'V2')
    assert late(broker) == ['V2']


def test_each_new_id_receives_the_sample_in_its_form(broker: Broker, peer: Peer) -> None:
    publish(broker, 'V1', is_latched=True)
    for frame_id, compression in (('a', 'none'), ('a', 'none'), ('b', 'cbor')):
        peer.says({**SUBSCRIBE, 'id': frame_id, 'compression': compression})
    text, binary = peer.hears_encoded()
    assert isinstance(text, str) and isinstance(binary, bytes)
    # The pause of throttle_rate begins with the first sample that is published.
    peer.says({**SUBSCRIBE, 'topic': '/' + STREAM, 'throttle_rate': 1_000})
    publish(broker, 'V2')
    assert [frame['msg']['data'] for frame in peer.hears()] == ['V1', 'V2']


def test_what_is_kept_is_bounded(
    broker: Broker, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(latched_samples, 'MAX_TOPICS', 2)
    for n in (1, 2, 2):
        peer.says(latch(f'haive_os/device/uid{n}/stream/s'))
    assert peer.hears() == []
    peer.says(latch())
    assert 'at most 2 topics' in peer.refusal()
    publish(broker, 'x' * (latched_samples.MAX_CHARACTERS + 1), is_latched=True)
    assert late(broker) == []
