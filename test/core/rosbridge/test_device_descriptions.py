from __future__ import annotations

from peers import TOKENS, UID, Peer

from hos_device_layer.core.rosbridge.broker import Broker
from hos_device_layer.core.rosbridge.device_descriptions import device_hash, set_hash

LAMP = {'id': 'dev1', 'type': 'typeA', 'name': 'Lamp', 'uid': UID, 'tags': {'room': 'lab'}}
LAMP_HASH = '402eec246402a4cfd92af40a45c844eaf04bb80d'


def test_known_hash() -> None:
    assert device_hash('dev1', 'typeA', 'Lamp', {'room': 'lab'}) == LAMP_HASH


def test_a_set_is_compared_by_one_hash() -> None:
    assert set_hash(['b', 'a']) == set_hash(['a', 'b']) != set_hash(['a'])


def test_only_what_differs_is_sent() -> None:
    switchboard = Broker()
    peer = Peer(switchboard)
    wanted = set_hash([LAMP_HASH])
    peer.says({'op': 'sync', 'id': 1, 'client': 'bay', 'hash': wanted})
    assert peer.hears() == [
        {'op': 'sync', 'id': 1, 'client': 'bay', 'hash': set_hash([]), 'devices': {}}
    ]
    peer.says({'op': 'sync', 'id': 2, 'client': 'bay', 'hash': wanted, 'update': [LAMP]})
    assert peer.hears() == [{'op': 'sync', 'id': 2, 'client': 'bay', 'hash': wanted}]
    again = Peer(switchboard)
    again.says({'op': 'sync', 'client': 'bay', 'hash': wanted})
    assert again.hears() == [{'op': 'sync', 'client': 'bay', 'hash': wanted}]
    other = Peer(switchboard)
    other.says({'op': 'sync', 'client': 'other', 'hash': wanted})
    assert other.hears()[0]['devices'] == {}
    again.says({'op': 'sync', 'client': 'bay', 'hash': set_hash([]), 'remove': ['dev1', 'x']})
    assert again.hears() == [{'op': 'sync', 'client': 'bay', 'hash': set_hash([])}]
    assert switchboard.rosters.devices() == []


def test_a_client_tells_of_its_own_devices_alone() -> None:
    peer = Peer(Broker(), TOKENS['device'])
    peer.says({'op': 'sync', 'client': 'x', 'update': [{'id': 'a', 'uid': 7}]})
    assert 'own uid alone' in peer.refusal()
    peer.says({'op': 'sync', 'update': [LAMP]})
    assert 'name of the client' in peer.refusal()


def test_rosters_are_bounded() -> None:
    switchboard = Broker()
    peer = Peer(switchboard)
    for n in range(1_100):
        peer.says({'op': 'sync', 'client': f'c{n}', 'update': [{'id': 'a'}]})
        peer.hears()
    assert len(switchboard.rosters.devices()) == 1_000
    devices = [{'id': f'd{n}'} for n in range(2_001)]
    peer.says({'op': 'sync', 'client': 'big', 'update': devices})
    assert 'may have 2000 devices' in peer.refusal()
