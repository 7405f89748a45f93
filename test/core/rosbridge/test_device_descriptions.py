from __future__ import annotations

import pytest
from peers import TOKENS, UID, Peer

from hos_device_layer.core.dispatch.events import ConnectRequested
from hos_device_layer.core.rosbridge.broker import Broker
from hos_device_layer.core.rosbridge.device_descriptions import (
    DeviceDescriptions,
    device_hash,
    set_hash,
)
from hos_device_layer.core.rosbridge.frames import DeviceDescription, FrameError, Sync

LAMP = {'id': 'dev1', 'type': 'typeA', 'name': 'Lamp', 'uid': UID, 'tags': {'room': 'lab'}}
LAMP_HASH = '402eec246402a4cfd92af40a45c844eaf04bb80d'


def test_known_hash() -> None:
    assert device_hash('dev1', 'typeA', 'Lamp', {'room': 'lab'}) == LAMP_HASH


def test_a_set_is_compared_by_one_hash() -> None:
    assert set_hash(['b', 'a']) == set_hash(['a', 'b']) != set_hash(['a'])


def test_only_what_differs_is_sent() -> None:
    broker = Broker()
    peer = Peer(broker)
    wanted = set_hash([LAMP_HASH])
    peer.says({'op': 'sync', 'id': 1, 'client': 'bay', 'hash': wanted})
    assert peer.hears() == [
        {'op': 'sync', 'id': 1, 'client': 'bay', 'hash': set_hash([]), 'devices': {}}
    ]
    peer.says({'op': 'sync', 'id': 2, 'client': 'bay', 'hash': wanted, 'update': [LAMP]})
    assert peer.hears() == [{'op': 'sync', 'id': 2, 'client': 'bay', 'hash': wanted}]
    again = Peer(broker)
    again.says({'op': 'sync', 'client': 'bay', 'hash': wanted})
    assert again.hears() == [{'op': 'sync', 'client': 'bay', 'hash': wanted}]
    other = Peer(broker)
    other.says({'op': 'sync', 'client': 'other', 'hash': wanted})
    assert other.hears()[0]['devices'] == {}
    again.says({'op': 'sync', 'client': 'bay', 'hash': set_hash([]), 'remove': ['dev1', 'x']})
    assert again.hears() == [{'op': 'sync', 'client': 'bay', 'hash': set_hash([])}]


def test_a_client_describes_only_its_own_devices() -> None:
    peer = Peer(Broker(), TOKENS['device'])
    peer.says({'op': 'sync', 'client': 'x', 'update': [{'id': 'a', 'uid': 7}]})
    assert 'only act for its own uid' in peer.refusal()
    peer.says({'op': 'sync', 'update': [LAMP]})
    assert 'name of the client' in peer.refusal()


def test_descriptions_are_bounded() -> None:
    descriptions = DeviceDescriptions()
    device = DeviceDescription('a', uid=UID)
    for n in range(1_100):
        descriptions.sync('', Sync(client=f'c{n}', update=(device,)))
    assert len(descriptions._clients) == 1_000
    devices = tuple(DeviceDescription(f'd{n}') for n in range(2_001))
    with pytest.raises(FrameError, match='at most 2000 devices'):
        descriptions.sync('', Sync(client='big', update=devices))


def test_a_device_is_described_by_its_latest_description() -> None:
    descriptions = DeviceDescriptions()

    def sync(client: str, *update: DeviceDescription, remove: tuple[str, ...] = ()) -> None:
        descriptions.sync('', Sync(client=client, update=update, remove=remove))

    assert descriptions.text(UID) == ''
    sync('bay', DeviceDescription('dev1', 'Scale', 'Scale 3', UID))
    assert descriptions.text(UID) == "'Scale 3', type 'Scale'"
    sync('bay', DeviceDescription('dev1', '', 'Scale\n4', UID))
    assert descriptions.text(UID) == r"'Scale\n4'"
    sync('bay', DeviceDescription('dev1', '', '', UID + 1))
    assert (descriptions.text(UID), descriptions.text(UID + 1)) == ('', "'dev1'")
    sync('other', DeviceDescription('mine', '', 'Mine', UID + 1))
    sync('bay', remove=('dev1',))
    assert descriptions.text(UID + 1) == "'Mine'"


def test_a_device_that_connects_is_described_as_its_client_did() -> None:
    peer = Peer(Broker())
    peer.says({'op': 'sync', 'client': 'bay', 'update': [LAMP]})
    connect = {'op': 'call_service', 'service': 'haive_os/device/connect', 'args': {'uid': UID}}
    ((event, _),) = peer.says(connect)
    assert event == ConnectRequested(UID, "'Lamp', type 'typeA'")
