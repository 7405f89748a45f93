from __future__ import annotations

import pytest
from peers import TOKENS, UID, Peer, connect

from hos_device_layer.core.dispatch.events import ConnectRequested
from hos_device_layer.core.rosbridge import ANONYMOUS_DEVICE_ACCESS, device_descriptions
from hos_device_layer.core.rosbridge.broker import Broker
from hos_device_layer.core.rosbridge.device_descriptions import (
    MAX_CLIENTS,
    MAX_DEVICES,
    MAX_DEVICES_IN_ALL,
    MAX_DEVICES_OF_OWNER,
    DescriptionOwner,
    DeviceDescriptions,
    device_hash,
    set_hash,
)
from hos_device_layer.core.rosbridge.frames import DeviceDescription, FrameError, Sync

BAY, SHIFT = DescriptionOwner('bay 1', True), DescriptionOwner('shift', True)

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


def described(count: int, prefix: str = 'd') -> tuple[DeviceDescription, ...]:
    return tuple(DeviceDescription(f'{prefix}{n}', uid=n) for n in range(count))


def test_a_client_describes_so_many_devices_and_no_more() -> None:
    descriptions = DeviceDescriptions()
    descriptions.sync(BAY, Sync(client='big', update=described(MAX_DEVICES)))
    with pytest.raises(FrameError, match=f'at most {MAX_DEVICES} devices'):
        descriptions.sync(BAY, Sync(client='big', update=described(2, 'more')))
    # Nothing of a refused frame is kept.
    answer, _ = descriptions.sync(BAY, Sync(client='big'))
    assert answer.devices is not None and len(answer.devices) == MAX_DEVICES
    descriptions.sync(BAY, Sync(client='big', remove=('d0',), update=described(1, 'more')))


def test_an_owner_forgets_its_own_oldest_client() -> None:
    descriptions = DeviceDescriptions()
    descriptions.sync(SHIFT, Sync(client='c', update=described(1)))
    for n in range(MAX_CLIENTS + 1):
        descriptions.sync(BAY, Sync(client=f'c{n}', update=described(1)))
    assert not listed(descriptions, BAY, 'c0') and listed(descriptions, BAY, 'c1')
    for n in range(MAX_DEVICES_OF_OWNER // MAX_DEVICES + 1):
        descriptions.sync(BAY, Sync(client=f'big{n}', update=described(MAX_DEVICES)))
    assert not listed(descriptions, BAY, 'big0') and listed(descriptions, BAY, 'big1')
    assert listed(descriptions, SHIFT, 'c')


def test_anonymous_devices_make_only_anonymous_devices_be_forgotten() -> None:
    descriptions = DeviceDescriptions()
    for owner in (SHIFT, BAY):
        descriptions.sync(owner, Sync(client='c', update=described(MAX_DEVICES)))
    strangers = [DescriptionOwner(f'10.0.0.{n}', False) for n in range(30)]
    descriptions.sync(strangers[0], Sync(client='c', update=described(1)))
    for stranger in strangers[1:]:
        descriptions.sync(stranger, Sync(client='c', update=described(1_000)))
    for owner in (SHIFT, BAY, strangers[0]):
        assert listed(descriptions, owner, 'c')
    kept = sum(len(listed(descriptions, owner, 'c')) for owner in (SHIFT, BAY, *strangers))
    assert MAX_DEVICES_IN_ALL - 1_000 <= kept <= MAX_DEVICES_IN_ALL


def listed(
    descriptions: DeviceDescriptions, owner: DescriptionOwner, client: str
) -> dict[str, str]:
    return descriptions.sync(owner, Sync(client=client))[0].devices or {}


def test_clients_without_devices_are_not_kept() -> None:
    descriptions = DeviceDescriptions()
    for n in range(10_000):
        descriptions.sync(BAY, Sync(client=f'c{n}'))
    descriptions.sync(BAY, Sync(client='c', update=described(1)))
    descriptions.sync(BAY, Sync(client='c', remove=('d0',)))
    assert not descriptions._owners


def test_a_frame_hashes_only_what_it_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []

    def counted_hash(device_id: str, *description: object) -> str:
        hashed.append(device_id)
        return device_hash(device_id, *description)  # type: ignore[arg-type]

    monkeypatch.setattr(device_descriptions, 'device_hash', counted_hash)
    descriptions = DeviceDescriptions()
    descriptions.sync(BAY, Sync(client='c', update=described(MAX_DEVICES)))
    hashed.clear()
    descriptions.sync(BAY, Sync(client='c', update=described(1)))
    for _ in range(1_000):
        descriptions.sync(BAY, Sync(client='c'))
    assert hashed == ['d0']


def test_a_flood_of_sync_frames_is_read_slowly() -> None:
    peer = Peer(Broker(), ANONYMOUS_DEVICE_ACCESS)
    device = [{'id': f'd{n}'} for n in range(MAX_DEVICES)]
    peer.says({'op': 'sync', 'client': 'c', 'update': device})
    flooded = peer.hears()[0]['hash']
    # What answers with a short frame costs one frame, and a list of 2,000 devices many more.
    peer.session.read_delay(0.0)
    peer.says({'op': 'sync', 'client': 'c', 'hash': flooded})
    assert peer.session.read_delay(10.0) == 0.0
    for _ in range(20):
        peer.says({'op': 'sync', 'client': 'c'})
        delay = peer.session.read_delay(10.0)
    assert delay > 0.2


def test_a_device_is_described_by_its_latest_description() -> None:
    descriptions = DeviceDescriptions()

    def sync(client: str, *update: DeviceDescription, remove: tuple[str, ...] = ()) -> None:
        descriptions.sync(BAY, Sync(client=client, update=update, remove=remove))

    assert descriptions.text(BAY, UID) == ''
    sync('bay', DeviceDescription('dev1', 'Scale', 'Scale 3', UID))
    assert descriptions.text(BAY, UID) == "'Scale 3', type 'Scale'"
    assert descriptions.text(SHIFT, UID) == ''
    sync('bay', DeviceDescription('dev1', '', 'Scale\n4', UID))
    assert descriptions.text(BAY, UID) == r"'Scale\n4'"
    sync('bay', DeviceDescription('dev1', '', '', UID + 1))
    assert (descriptions.text(BAY, UID), descriptions.text(BAY, UID + 1)) == ('', "'dev1'")
    sync('other', DeviceDescription('mine', '', 'Mine', UID + 1))
    sync('bay', remove=('dev1',))
    assert descriptions.text(BAY, UID + 1) == "'Mine'"


def test_an_anonymous_device_does_not_describe_those_of_other_addresses() -> None:
    broker = Broker()
    lamp, stranger, neighbour = (
        Peer(broker, ANONYMOUS_DEVICE_ACCESS, address) for address in ('10.0.0.1', '10.0.0.2', '')
    )
    lamp.says({'op': 'sync', 'client': 'bay', 'update': [LAMP]})
    forged = {**LAMP, 'name': 'Bomb'}
    stranger.says({'op': 'sync', 'client': 'bay', 'update': [forged], 'remove': ['dev1']})
    neighbour.says({'op': 'sync', 'client': 'bay', 'remove': ['dev1']})
    ((event, _),) = lamp.says(connect())
    assert event == ConnectRequested(UID, "'Lamp', type 'typeA'")


@pytest.mark.parametrize(
    'fields',
    [
        {'client': 'c' * 1_000},
        {'update': [{'id': 'd', 'uid': 2**32}]},
        {'update': [{'id': 'd', 'uid': -1}]},
        {'update': [{'id': 'd', 'tags': {'t': 'x' * 1_000}}]},
        {'update': [{'id': f'd{n}'} for n in range(MAX_DEVICES + 1)]},
        {'remove': ['d'] * (MAX_DEVICES + 1)},
        {'remove': ['d' * 1_000]},
    ],
)
def test_every_part_of_a_frame_is_bounded(fields: dict[str, object]) -> None:
    peer = Peer(Broker())
    peer.says({'op': 'sync', 'client': 'c', **fields})
    assert 'the frame does not match its op' in peer.refusal()


def test_a_device_that_connects_is_described_as_its_client_did() -> None:
    peer = Peer(Broker())
    peer.says({'op': 'sync', 'client': 'bay', 'update': [LAMP]})
    ((event, _),) = peer.says(connect())
    assert event == ConnectRequested(UID, "'Lamp', type 'typeA'")
