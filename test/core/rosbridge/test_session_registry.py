"""Which session may serve a device, and which one replaces another."""

from __future__ import annotations

import pytest
from peers import (
    OTHER,
    TOKENS,
    UID,
    Peer,
    advertise,
    connect,
    ping,
    serialized_command,
)

from hos_device_layer.core.dispatch.events import (
    LinkClosed,
    Pinged,
)
from hos_device_layer.core.rosbridge import ANONYMOUS_DEVICE_ACCESS, Access
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
    assert 'newer session' in other.refusal()
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
    with pytest.raises(FrameError, match='has a newer session; send connect'):
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
