"""Which session may serve a device, and which one replaces another."""

from __future__ import annotations

from typing import Any

import pytest
from peers import (
    OTHER,
    SERIALIZED,
    STREAM,
    TOKENS,
    UID,
    Peer,
    advertise,
    connect,
    ping,
    serialized_command,
    serves,
)

from hos_device_layer.core.dispatch.events import (
    CommandAnswered,
    LinkClosed,
    Pinged,
    ResultReported,
    StreamSampled,
)
from hos_device_layer.core.rosbridge import ANONYMOUS_DEVICE_ACCESS, Access, SessionLimits
from hos_device_layer.core.rosbridge.broker import Broker
from hos_device_layer.core.rosbridge.close_reasons import (
    REPLACED,
)
from hos_device_layer.core.rosbridge.frames import FrameError
from hos_device_layer.core.rosbridge.session_registry import SessionRegistry


def test_a_newer_session_replaces_an_older_one(broker: Broker, peer: Peer) -> None:
    peer.says(advertise())
    newer = Peer(broker)
    newer.says(advertise())
    assert peer.session.closing == REPLACED
    broker.command(serialized_command(1))
    assert len(newer.hears()) == 1
    assert broker.close_session(peer.session) == []
    assert broker.close_session(newer.session) == [LinkClosed(UID)]


def test_an_anonymous_session_replaces_none_from_another_address(broker: Broker) -> None:
    older = Peer(broker, ANONYMOUS_DEVICE_ACCESS, '10.0.0.1')
    older.says(advertise())
    thief = Peer(broker, ANONYMOUS_DEVICE_ACCESS, '10.0.0.2')
    assert thief.says(advertise()) == []
    assert 'another address' in thief.refusal()
    assert older.session.closing is None
    owner = Peer(broker, TOKENS['device'], '10.0.0.3')
    owner.says(advertise())
    assert older.session.closing == REPLACED
    again = Peer(broker, ANONYMOUS_DEVICE_ACCESS, '10.0.0.3')
    again.says(connect())
    assert owner.session.closing is None


def test_only_connect_and_advertise_replace_a_session(broker: Broker, peer: Peer) -> None:
    peer.says(advertise())
    other = Peer(broker)
    assert other.says(ping()) == []
    assert 'served by another session' in other.refusal()
    assert peer.says(ping()) == [Pinged(UID)]


def test_a_session_with_other_devices_stays_open_when_one_is_replaced(
    broker: Broker, peer: Peer
) -> None:
    peer.says(advertise())
    peer.says(connect(OTHER))
    Peer(broker).says(connect())
    assert peer.session.closing is None
    assert peer.says(ping(OTHER)) == [Pinged(OTHER)]
    assert peer.says(ping()) == []


# Two hosts with the same devices: the newer one takes them over, then it ends.


def result(cmd_id: int) -> dict[str, Any]:
    message = {'uid': UID, 'cmd_id': cmd_id, 'success': True}
    return {'op': 'publish', 'topic': 'haive_os/device/command_result', 'msg': message}


@pytest.fixture
def older(peer: Peer) -> Peer:
    """Return a host with two devices, of which it has lost one."""
    peer.says(advertise())
    peer.says(advertise(f'haive_os/device/uid{OTHER}/command'))
    return peer


@pytest.fixture
def newer(broker: Broker, older: Peer) -> Peer:
    newer = Peer(broker)
    newer.says(advertise())
    assert older.session.closing is None
    return newer


@pytest.mark.parametrize('back', [ping(), connect()])
def test_a_device_returns_with_its_services_when_the_newer_session_has_ended(
    broker: Broker, older: Peer, newer: Peer, back: dict[str, Any]
) -> None:
    broker.close_session(newer.session)
    assert len(older.says(back)) == 1
    assert broker.command(serialized_command(1)) == []
    (call,) = older.hears()
    assert call['id'] == f'service_request:{SERIALIZED}:1'
    answer = {'op': 'service_response', 'id': call['id'], 'service': SERIALIZED, 'result': True}
    assert older.says(answer) == [CommandAnswered(UID, 1, True, '')]


def test_what_a_displaced_device_sends_is_ignored(older: Peer, newer: Peer) -> None:
    sample = {'op': 'publish', 'topic': STREAM, 'msg': {'uid': UID, 'data': 'V1'}}
    for frame in (ping(), sample, result(1)) * 1_000:
        assert older.says(frame) == []
    assert older.hears() == []
    assert older.session.closing is None
    assert newer.says(ping()) == [Pinged(UID)]


def test_a_peer_is_told_that_its_sample_or_result_does_not_count(older: Peer, newer: Peer) -> None:
    sample = {'op': 'publish', 'topic': STREAM, 'msg': {'uid': UID, 'data': 'V1'}}
    for frame in (sample, result(1)):
        assert older.says({**frame, 'id': 'a'}) == []
        assert 'is served by another session' in older.refusal()
    assert newer.says(sample) == [StreamSampled(UID, 'temperature', 'V1')]


def test_the_results_of_commands_that_a_displaced_device_was_sent_count(
    broker: Broker, older: Peer
) -> None:
    broker.command(serialized_command(1))
    broker.command(serialized_command(2))
    (call, _) = older.hears()
    newer = Peer(broker)
    newer.says(advertise())
    answer = {'op': 'service_response', 'id': call['id'], 'service': SERIALIZED, 'result': True}
    assert older.says(answer) == [CommandAnswered(UID, 1, True, '')]
    for cmd_id in (1, 2):
        assert older.says(result(cmd_id)) == [ResultReported(UID, cmd_id, True, '', '')]
    # Each of them once, and none that the newer session was sent.
    broker.command(serialized_command(3))
    for cmd_id in (1, 2, 3):
        assert older.says(result(cmd_id)) == []
    assert newer.says(result(3)) == [ResultReported(UID, 3, True, '', '')]


def test_commands_that_were_not_sent_do_not_reach_a_displaced_device(
    broker: Broker, older: Peer
) -> None:
    older.is_slow = True
    for cmd_id in range(40):
        broker.command(serialized_command(cmd_id))
    Peer(broker).says(advertise())
    assert older.hears() == []


def test_a_displaced_device_may_withdraw_its_services(
    broker: Broker, older: Peer, newer: Peer
) -> None:
    assert older.says({'op': 'unadvertise_service', 'service': SERIALIZED}) == []
    assert serves(broker, UID)
    broker.close_session(newer.session)
    older.says(ping())
    assert broker.command(serialized_command(1)) == []
    assert older.hears() == []


def test_displaced_devices_count_as_devices(broker: Broker) -> None:
    older = Peer(broker, limits=SessionLimits(devices=2))
    older.says(advertise())
    older.says(ping(OTHER))
    newer = Peer(broker)
    newer.says(connect())
    assert older.says(ping(8)) == []
    assert 'at most 2 devices' in older.refusal()
    broker.close_session(newer.session)
    assert older.says(ping()) == [Pinged(UID)]


def test_devices_without_services_make_room_for_others(broker: Broker) -> None:
    peer = Peer(broker, limits=SessionLimits(devices=2))
    for uid in range(10):
        service = f'haive_os/device/uid{uid}/command'
        assert peer.says(advertise(service)) == []
        assert peer.says({'op': 'unadvertise_service', 'service': service}) == [LinkClosed(uid)]
    assert peer.hears() == []


class Holder:
    """A session, as far as the registry uses it."""

    def __init__(self, access: Access | None = None, address: str = 'a') -> None:
        self.access = access
        self.address = address
        self.lost: list[int] = []

    def lose_channel(self, uid: int) -> None:
        self.lost.append(uid)


TOKEN = TOKENS['device']


@pytest.mark.parametrize(
    ('older', 'newer', 'replaces'),
    [
        (Holder(), Holder(), True),
        (Holder(), Holder(address='b'), False),
        (Holder(), Holder(TOKEN, 'b'), True),
        (Holder(ANONYMOUS_DEVICE_ACCESS), Holder(ANONYMOUS_DEVICE_ACCESS), True),
        (Holder(TOKEN), Holder(TOKEN, 'b'), True),
        (Holder(TOKEN), Holder(), False),
        (Holder(TOKEN), Holder(ANONYMOUS_DEVICE_ACCESS), False),
    ],
)
def test_a_session_replaces_another_with_a_token_or_if_both_are_anonymous_at_one_address(
    older: Holder, newer: Holder, replaces: bool
) -> None:
    registry: SessionRegistry[Holder] = SessionRegistry()
    registry.claim(UID, older)
    if replaces:
        registry.claim(UID, newer)
        assert registry.session(UID) is newer
        assert older.lost == [UID]
    else:
        with pytest.raises(FrameError, match='connected from another address'):
            registry.claim(UID, newer)
        assert registry.session(UID) is older
        assert older.lost == []


def test_a_session_that_claims_its_own_device_again_keeps_it() -> None:
    registry: SessionRegistry[Holder] = SessionRegistry()
    holder = Holder()
    registry.claim(UID, holder)
    registry.claim(UID, holder)
    registry.claim_if_free(UID, holder)
    assert holder.lost == []


def test_a_device_that_has_a_session_is_not_free() -> None:
    registry: SessionRegistry[Holder] = SessionRegistry()
    older, newer = Holder(), Holder()
    registry.claim_if_free(UID, older)
    with pytest.raises(FrameError, match='is served by another session; send connect'):
        registry.claim_if_free(UID, newer)
    registry.release(UID, older)
    registry.claim_if_free(UID, newer)
    assert registry.session(UID) is newer


def test_only_its_own_session_releases_a_device() -> None:
    registry: SessionRegistry[Holder] = SessionRegistry()
    holder = Holder()
    registry.claim(UID, holder)
    assert not registry.release(UID, Holder())
    assert registry.session(UID) is not None
    assert registry.release(UID, holder)
    assert registry.session(UID) is None
    assert not registry.release(UID, holder)
