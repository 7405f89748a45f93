"""The commands of one device: what is sent, answered, withdrawn and refused."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from peers import (
    SERIALIZED,
    TYPED,
    UID,
    Peer,
    advertise,
    connect,
    serialized_command,
    serves,
    typed_command,
)

from hos_device_layer.core.dispatch.events import (
    CommandAnswered,
    LinkClosed,
    ResultReported,
)
from hos_device_layer.core.rosbridge import SessionLimits
from hos_device_layer.core.rosbridge.advertised_service import ChannelCommand
from hos_device_layer.core.rosbridge.broker import Broker
from hos_device_layer.core.rosbridge.device_channel import (
    MAX_AWAITED,
    DeviceChannel,
    OutgoingCall,
)
from hos_device_layer.core.rosbridge.frames import FrameId
from hos_device_layer.core.rosbridge.messages import DeviceCommandResponse
from hos_device_layer.core.rosbridge.names import ServiceKind

# Answers


def test_an_answer_without_an_id_belongs_to_the_oldest_call(broker: Broker, peer: Peer) -> None:
    peer.says(advertise())
    broker.command(serialized_command(1))
    broker.command(serialized_command(2))
    answer = {'op': 'service_response', 'service': SERIALIZED, 'values': {'is_valid': True}}
    assert peer.says(answer) == [CommandAnswered(UID, 1, True, '')]
    assert peer.says(answer) == [CommandAnswered(UID, 2, True, '')]
    assert peer.says(answer) == []
    assert 'answers no command' in [*peer.hears()][-1]['msg']


def test_an_answer_without_a_service_is_matched_by_its_id(broker: Broker, peer: Peer) -> None:
    peer.says(advertise())
    broker.command(serialized_command(1))
    answer = {'op': 'service_response', 'id': f'service_request:{SERIALIZED}:1', 'result': True}
    assert peer.says(answer) == [CommandAnswered(UID, 1, True, '')]


def test_a_device_cannot_answer_the_command_of_another(broker: Broker, peer: Peer) -> None:
    peer.says(advertise())
    broker.command(serialized_command(1))
    intruder = Peer(broker)
    answer = {
        'op': 'service_response',
        'id': f'service_request:{SERIALIZED}:1',
        'service': SERIALIZED,
        'values': {'is_valid': False},
    }
    assert intruder.says(answer) == []
    assert 'answers no command' in intruder.refusal()
    assert peer.says(answer) != []


def test_a_command_is_answered_once(broker: Broker, peer: Peer) -> None:
    peer.says(advertise())
    broker.command(serialized_command(1))
    answer = {'op': 'service_response', 'id': peer.hears()[0]['id'], 'result': True}
    assert len(peer.says(answer)) == 1
    assert peer.says(answer) == []


# Commands


def test_a_typed_command_is_sent_with_its_arguments(broker: Broker, peer: Peer) -> None:
    peer.says(advertise('/' + TYPED))
    assert broker.command(typed_command(9)) == []
    (frame,) = peer.hears()
    assert frame == {
        'op': 'call_service',
        'id': f'service_request:/{TYPED}:1',
        'service': '/' + TYPED,
        'args': {
            'cmd_id': 9,
            'function_name': 'move',
            'num_args': 2,
            'args': [
                {'name': 'x', 'type': 'float32', 'data': '1.5'},
                {'name': 'name', 'type': 'string', 'data': 'left'},
            ],
        },
    }


def test_a_command_of_the_wrong_kind_is_refused_with_the_column_to_change(
    broker: Broker, peer: Peer
) -> None:
    peer.says(advertise(TYPED))
    (refusal,) = broker.command(serialized_command(4))
    assert (refusal.cmd_id, refusal.is_valid) == (4, False)
    assert 'serialized_api' in refusal.error


def test_a_limited_number_of_commands_waits_for_an_advertisement(
    broker: Broker, peer: Peer
) -> None:
    peer.says(connect())
    outcomes = [broker.command(serialized_command(n)) for n in range(101)]
    assert outcomes[:100] == [[]] * 100
    assert 'advertise_service' in outcomes[100][0].error


def test_the_number_of_unanswered_commands_is_limited(broker: Broker) -> None:
    peer = Peer(broker, limits=SessionLimits(outstanding_calls=2))
    peer.says(advertise())
    assert [bool(broker.command(serialized_command(n))) for n in range(3)] == [
        False,
        False,
        True,
    ]


def test_unanswered_commands_are_refused_when_the_service_is_unadvertised(
    broker: Broker, peer: Peer
) -> None:
    peer.says(advertise())
    broker.command(serialized_command(1))
    refusal, lost = peer.says({'op': 'unadvertise_service', 'service': SERIALIZED})
    assert isinstance(refusal, CommandAnswered) and not refusal.is_valid
    assert 'withdrew' in refusal.error
    assert lost == LinkClosed(UID) and not serves(broker, UID)


def test_a_device_is_lost_with_its_last_service(broker: Broker, peer: Peer) -> None:
    peer.says(advertise())
    peer.says(advertise(TYPED))
    assert peer.says({'op': 'unadvertise_service', 'service': TYPED}) == []
    assert serves(broker, UID)
    assert peer.says({'op': 'unadvertise_service', 'service': SERIALIZED}) == [LinkClosed(UID)]
    assert peer.says({'op': 'unadvertise_service', 'service': SERIALIZED}) == []


# One channel, without a session


class RecordingRelay:
    """Records what a relay is told about its command."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def answered(self, is_valid: bool, error: str) -> None:
        self.calls.append((is_valid, error))

    def reported(self, result: ResultReported) -> None:
        self.calls.append(result)


ACCEPTED = DeviceCommandResponse(True)
REFUSED = DeviceCommandResponse(False, 'door open')
RESULT = ResultReported(UID, 1, True, '', 'V5')
KIND = ServiceKind.SERIALIZED_COMMAND


class Sent:
    """Takes the calls of a channel, which are sent when the test asks for their frames."""

    def __init__(self) -> None:
        self._calls: list[OutgoingCall] = []

    def __call__(self, call: OutgoingCall) -> None:
        self._calls.append(call)

    def frames(self) -> list[dict[str, Any]]:
        calls, self._calls = self._calls, []
        return [msgspec.json.decode(text) for call in calls if (text := call.text())]

    def cmd_ids(self) -> list[int]:
        return [frame['args']['cmd_id'] for frame in self.frames()]


@pytest.fixture
def sent() -> Sent:
    return Sent()


@pytest.fixture
def unserved(sent: Sent) -> DeviceChannel:
    """Return a channel of a device that has advertised nothing."""
    return DeviceChannel(UID, 10, sent)


@pytest.fixture
def channel(unserved: DeviceChannel) -> DeviceChannel:
    unserved.advertise(KIND, SERIALIZED)
    return unserved


def own(cmd_id: int = 1) -> ChannelCommand:
    """Return a command of the device manager."""
    return ChannelCommand(serialized_command(cmd_id))


def relayed(relay: RecordingRelay, cmd_id: int = 1) -> ChannelCommand:
    """Return a command of another sender."""
    return ChannelCommand(serialized_command(cmd_id), relay)


def send(channel: DeviceChannel, sent: Sent, command: ChannelCommand) -> FrameId:
    """Send a command that is not refused and return the id of its call."""
    assert channel.command(command) == []
    (frame,) = sent.frames()
    call_id: FrameId = frame['id']
    return call_id


def test_a_withdrawn_command_is_not_sent_when_the_service_is_advertised(
    unserved: DeviceChannel, sent: Sent
) -> None:
    for cmd_id in (1, 2, 3):
        assert unserved.command(own(cmd_id)) == []
    unserved.withdraw(2)
    unserved.withdraw(99)
    unserved.advertise(KIND, SERIALIZED)
    assert sent.cmd_ids() == [1, 3]


def test_a_relayed_command_is_not_withdrawn_with_those_of_the_manager(
    unserved: DeviceChannel, sent: Sent
) -> None:
    relay = RecordingRelay()
    unserved.command(relayed(relay))
    unserved.withdraw()
    unserved.advertise(KIND, SERIALIZED)
    assert sent.cmd_ids() == [1]
    assert relay.calls == []


def test_a_relayed_command_is_withdrawn_by_its_id(unserved: DeviceChannel, sent: Sent) -> None:
    unserved.command(relayed(RecordingRelay()))
    unserved.withdraw(1)
    unserved.advertise(KIND, SERIALIZED)
    assert sent.cmd_ids() == []


def test_a_command_is_withdrawn_while_it_is_queued(channel: DeviceChannel, sent: Sent) -> None:
    for cmd_id in (1, 2, 3):
        channel.command(own(cmd_id))
    channel.withdraw(2)
    assert sent.cmd_ids() == [1, 3]


def test_a_command_that_was_sent_is_still_answered_after_its_withdrawal(
    channel: DeviceChannel, sent: Sent
) -> None:
    call_id = send(channel, sent, own())
    channel.withdraw(1)
    answers = channel.answer(call_id, SERIALIZED, ACCEPTED)
    assert answers == [CommandAnswered(UID, 1, True, '')]
    assert channel.answer(call_id, SERIALIZED, ACCEPTED) == []


def test_a_relay_receives_the_answer_and_the_result_of_its_command(
    channel: DeviceChannel, sent: Sent
) -> None:
    relay = RecordingRelay()
    call_id = send(channel, sent, relayed(relay))
    assert channel.answer(call_id, SERIALIZED, ACCEPTED) == []
    assert channel.report(RESULT) == []
    assert relay.calls == [(True, ''), RESULT]
    assert channel.report(RESULT) == [RESULT]


def test_the_result_of_a_relayed_command_is_also_its_answer(
    channel: DeviceChannel, sent: Sent
) -> None:
    relay = RecordingRelay()
    call_id = send(channel, sent, relayed(relay))
    assert channel.report(RESULT) == []
    assert relay.calls == [(True, ''), RESULT]
    assert channel.answer(call_id, SERIALIZED, REFUSED) == []
    assert len(relay.calls) == 2


def test_a_refused_relayed_command_has_no_result(channel: DeviceChannel, sent: Sent) -> None:
    relay = RecordingRelay()
    call_id = send(channel, sent, relayed(relay))
    channel.answer(call_id, SERIALIZED, REFUSED)
    assert relay.calls == [(False, 'door open')]
    assert channel.report(RESULT) == [RESULT]


def test_a_closing_channel_answers_relayed_commands_only(
    channel: DeviceChannel, sent: Sent
) -> None:
    unanswered, accepted = RecordingRelay(), RecordingRelay()
    send(channel, sent, own(1))
    send(channel, sent, relayed(unanswered, 2))
    channel.answer(send(channel, sent, relayed(accepted, 3)), SERIALIZED, ACCEPTED)
    channel.close('lost')
    assert unanswered.calls == [(False, 'lost')]
    assert accepted.calls == [(True, '')]
    channel.close('lost')
    assert len(unanswered.calls) == len(accepted.calls) == 1


@pytest.mark.parametrize('is_served', [False, True])
def test_a_closing_channel_answers_relayed_commands_that_were_not_sent(
    unserved: DeviceChannel, sent: Sent, is_served: bool
) -> None:
    relay = RecordingRelay()
    if is_served:
        unserved.advertise(KIND, SERIALIZED)
    unserved.command(relayed(relay))
    unserved.close('lost')
    assert relay.calls == [(False, 'lost')]
    unserved.advertise(KIND, SERIALIZED)
    assert sent.cmd_ids() == []


def test_a_relayed_command_that_cannot_be_sent_is_refused(sent: Sent) -> None:
    channel, relay = DeviceChannel(UID, 0, sent), RecordingRelay()
    channel.advertise(ServiceKind.COMMAND, TYPED)
    assert channel.command(relayed(relay)) == []
    channel.advertise(KIND, SERIALIZED)
    assert channel.command(relayed(relay)) == []
    ((_, wrong_kind), (_, too_many)) = relay.calls
    assert 'serialized_api' in wrong_kind
    assert 'unanswered commands' in too_many


def test_the_number_of_awaited_results_is_limited(channel: DeviceChannel, sent: Sent) -> None:
    first, others = RecordingRelay(), RecordingRelay()
    channel.answer(send(channel, sent, relayed(first, 0)), SERIALIZED, ACCEPTED)
    for cmd_id in range(1, MAX_AWAITED + 1):
        command = relayed(others, cmd_id) if cmd_id % 2 else own(cmd_id)
        channel.answer(send(channel, sent, command), SERIALIZED, ACCEPTED)
    for cmd_id, relay in ((0, first), (1, others)):
        relay.calls.clear()
        channel.report(ResultReported(UID, cmd_id, True, '', 'V5'))
    assert first.calls == []
    assert len(others.calls) == 1


def test_an_answer_without_an_id_skips_calls_of_the_other_service(
    channel: DeviceChannel, sent: Sent
) -> None:
    channel.advertise(ServiceKind.COMMAND, TYPED)
    send(channel, sent, own(1))
    send(channel, sent, ChannelCommand(typed_command(2)))
    assert channel.answer(None, TYPED, ACCEPTED) == [CommandAnswered(UID, 2, True, '')]
    assert channel.answer(None, TYPED, ACCEPTED) is None


def test_all_waiting_commands_of_the_manager_are_withdrawn_together(
    unserved: DeviceChannel, sent: Sent
) -> None:
    for command in (own(1), relayed(RecordingRelay(), 2), own(3)):
        assert unserved.command(command) == []
    unserved.withdraw()
    unserved.advertise(KIND, SERIALIZED)
    assert sent.cmd_ids() == [2]


def test_a_closed_channel_can_be_used_again(channel: DeviceChannel, sent: Sent) -> None:
    for cmd_id in range(10):
        channel.command(own(cmd_id))
    calls = sent.frames()
    channel.close('another session serves it')
    assert channel.awaits_result(5)
    channel.heard()
    for cmd_id in range(10, 20):
        assert channel.command(own(cmd_id)) == []
    assert [frame['id'].rpartition(':')[2] for frame in sent.frames()] == [
        str(n) for n in range(11, 21)
    ]
    assert channel.answer(calls[3]['id'], SERIALIZED, ACCEPTED) == [
        CommandAnswered(UID, 3, True, '')
    ]
