"""Sessions of one broker: their devices, and the commands and messages to them."""

from __future__ import annotations

from peers import (
    OTHER,
    SERIALIZED,
    STREAM,
    UID,
    Peer,
    advertise,
    connect,
    serialized_command,
    serves,
)

from hos_device_layer.core.dispatch.events import CommandAnswered, LinkClosed
from hos_device_layer.core.rosbridge.broker import Broker


def test_commands_reach_the_devices_behind_one_session(broker: Broker, peer: Peer) -> None:
    other = f'haive_os/device/uid{OTHER}/serialized_command'
    peer.says(advertise())
    peer.says(advertise(other))
    broker.command(serialized_command(1, OTHER))
    broker.command(serialized_command(2))
    assert [(f['service'], f['args']['cmd_id']) for f in peer.hears()] == [
        (other, 1),
        (SERIALIZED, 2),
    ]
    assert broker.close_session(peer.session) == [LinkClosed(UID), LinkClosed(OTHER)]


def test_a_command_to_a_device_without_a_session_is_refused(broker: Broker) -> None:
    (refusal,) = broker.command(serialized_command(1))
    assert not refusal.is_valid and 'lost its connection' in refusal.error


def test_a_session_is_woken_once_for_many_frames(broker: Broker, peer: Peer) -> None:
    peer.is_slow = True
    peer.says(advertise())
    for n in range(5):
        broker.command(serialized_command(n))
    assert peer.wakes == 1
    peer.hears()
    broker.command(serialized_command(6))
    assert peer.wakes == 2


def test_a_withdrawn_command_is_not_sent(broker: Broker, peer: Peer) -> None:
    peer.says(connect())
    for cmd_id in (1, 2):
        assert broker.command(serialized_command(cmd_id)) == []
    broker.withdraw(UID, 1)
    broker.withdraw(OTHER, 2)
    peer.says(advertise())
    assert [call['args']['cmd_id'] for call in peer.hears() if call['op'] == 'call_service'] == [2]


def test_a_command_that_a_slow_peer_has_not_been_sent_yet_is_withdrawn(
    broker: Broker, peer: Peer
) -> None:
    peer.says(advertise())
    peer.is_slow = True
    for cmd_id in (1, 2, 3):
        broker.command(serialized_command(cmd_id))
    broker.withdraw(UID, 2)
    sent = peer.hears()
    assert [call['args']['cmd_id'] for call in sent] == [1, 3]
    # Firmware counts the calls that it receives.
    assert [call['id'].rpartition(':')[2] for call in sent] == ['1', '2']
    broker.withdraw(UID, 3)
    answer = {'op': 'service_response', 'id': sent[1]['id'], 'service': SERIALIZED, 'result': True}
    assert peer.says(answer) == [CommandAnswered(UID, 3, True, '')]


def test_commands_that_were_not_sent_are_refused_with_their_service(
    broker: Broker, peer: Peer
) -> None:
    peer.says(advertise())
    peer.is_slow = True
    broker.command(serialized_command(1))
    (refusal,) = peer.says(advertise())
    assert (refusal.cmd_id, refusal.is_valid) == (1, False)
    assert peer.hears() == []


def test_a_closed_session_serves_nothing(broker: Broker, peer: Peer) -> None:
    peer.says(advertise())
    peer.says({'op': 'subscribe', 'topic': STREAM})
    assert serves(broker, UID) and broker.is_wanted(STREAM)
    assert broker.close_session(peer.session) == [LinkClosed(UID)]
    assert not serves(broker, UID) and not broker.is_wanted(STREAM)
    assert broker.close_session(peer.session) == []
