"""When a command of a gateway device is settled: by its answer, its result or its withdrawal."""

from __future__ import annotations

from typing import Any

import pytest
from peers import SERIALIZED, TYPED, UID, Peer, advertise, ping, serialized_command, typed_command

from hos_device_layer.core.dispatch.events import CommandAnswered, Pinged, ResultReported
from hos_device_layer.core.rosbridge import SessionLimits
from hos_device_layer.core.rosbridge.broker import Broker

WINDOW = 32


def answer(call: Any = None, is_valid: bool = True, service: str = SERIALIZED) -> dict[str, Any]:
    """Return an answer: to a call, by its id; or without an id."""
    frame = {'op': 'service_response', 'service': service, 'values': {'is_valid': is_valid}}
    return frame if call is None else {**frame, 'id': call['id']}


def result(cmd_id: int) -> dict[str, Any]:
    message = {'uid': UID, 'cmd_id': cmd_id, 'success': True, 'result_str': 'V5'}
    return {'op': 'publish', 'topic': 'haive_os/device/command_result', 'msg': message}


def received(peer: Peer) -> list[int]:
    """Return the ids of the commands that a peer has received since the last time."""
    return [frame['args']['cmd_id'] for frame in peer.hears()]


def accepted(cmd_id: int, is_valid: bool = True) -> CommandAnswered:
    error = '' if is_valid else 'the device refused the command without a reason'
    return CommandAnswered(UID, cmd_id, is_valid, error)


@pytest.fixture
def device(peer: Peer) -> Peer:
    peer.says(advertise())
    return peer


def send(broker: Broker, *cmd_ids: int) -> None:
    for cmd_id in cmd_ids:
        assert broker.command(serialized_command(cmd_id)) == []


# The window


def test_a_device_is_sent_few_commands_before_it_settles_one(broker: Broker, device: Peer) -> None:
    send(broker, *range(100))
    calls = device.hears()
    assert [call['args']['cmd_id'] for call in calls] == [*range(WINDOW)]
    device.says(answer(calls[0]))
    assert received(device) == [WINDOW]
    device.says(result(1))
    assert received(device) == [WINDOW + 1]
    device.says(answer())
    assert received(device) == [WINDOW + 2]


def test_commands_that_wait_for_others_are_withdrawn(broker: Broker, device: Peer) -> None:
    send(broker, *range(100))
    for cmd_id in range(WINDOW, 90):
        broker.withdraw(UID, cmd_id)
    calls = device.hears()
    for call in calls:
        device.says(answer(call))
    assert received(device) == [*range(90, 100)]


def test_a_device_that_is_silent_receives_no_command_for_one_that_was_withdrawn(
    broker: Broker, device: Peer
) -> None:
    send(broker, *range(100))
    assert len(device.hears()) == WINDOW
    for cmd_id in range(10):
        broker.withdraw(UID, cmd_id)
    assert device.hears() == []
    device.says(ping())
    assert received(device) == [*range(WINDOW, WINDOW + 10)]


def test_the_commands_that_wait_are_refused_with_their_service(
    broker: Broker, device: Peer
) -> None:
    send(broker, *range(40))
    refusals = device.says(advertise())
    assert [event.cmd_id for event in refusals] == [*range(40)]  # type: ignore[union-attr]
    send(broker, 40)
    assert received(device)[-1] == 40


# Results


def test_a_device_that_never_answers_works_for_ever(broker: Broker, device: Peer) -> None:
    for cmd_id in range(5_000):
        send(broker, cmd_id)
        assert received(device) == [cmd_id]
        assert device.says(result(cmd_id)) == [ResultReported(UID, cmd_id, True, '', 'V5')]
    assert device.session.closing is None


def test_commands_whose_tasks_end_without_an_answer_work_for_ever(
    broker: Broker, device: Peer
) -> None:
    for cmd_id in range(5_000):
        send(broker, cmd_id)
        assert received(device) == [cmd_id]
        broker.withdraw(UID, cmd_id)
        device.says(ping())


# Answers without an id


def test_a_lost_answer_does_not_shift_later_ones(broker: Broker, device: Peer) -> None:
    send(broker, 1)
    device.says(result(1))
    for cmd_id in (2, 3, 4):
        send(broker, cmd_id)
        assert device.says(answer(is_valid=cmd_id != 3)) == [accepted(cmd_id, cmd_id != 3)]
        device.says(result(cmd_id))


def test_a_withdrawn_command_does_not_shift_later_answers(broker: Broker, device: Peer) -> None:
    send(broker, 1)
    broker.withdraw(UID, 1)
    for cmd_id in (2, 3):
        send(broker, cmd_id)
        assert device.says(answer()) == [accepted(cmd_id)]


def test_a_device_may_answer_after_its_results(broker: Broker, device: Peer) -> None:
    for cmd_id in range(3):
        send(broker, cmd_id)
        device.says(result(cmd_id))
        assert device.says(answer()) == [accepted(cmd_id)]
    # It has shown its habit: its answers belong to the commands that it has reported.
    send(broker, 10, 11, 12)
    for cmd_id in (10, 11, 12):
        device.says(result(cmd_id))
        assert device.says(answer()) == [accepted(cmd_id)]
    send(broker, 13)
    assert device.says(answer(is_valid=False)) == [accepted(13, is_valid=False)]
    assert [frame for frame in device.hears() if frame['op'] == 'status'] == []


def test_each_function_has_its_own_habit(broker: Broker, device: Peer) -> None:
    device.says(advertise(TYPED))
    broker.command(typed_command(1))
    device.says(result(1))
    assert device.says(answer(service=TYPED)) == [accepted(1)]
    # The answer of another function is lost; it never came after a result.
    send(broker, 2, 3)
    device.says(result(2))
    assert device.says(answer()) == [accepted(3)]


def test_a_lost_answer_of_a_device_that_answers_late_is_made_up_for(
    broker: Broker, device: Peer
) -> None:
    send(broker, 1)
    device.says(result(1))
    device.says(answer())
    send(broker, 2)
    device.says(result(2))  # Its answer is lost.
    send(broker, 3)
    device.says(answer())  # May belong to either.
    send(broker, 4)
    device.says(result(3))
    device.says(result(4))
    device.says(answer())
    send(broker, 5)
    assert device.says(answer(is_valid=False)) == [accepted(5, is_valid=False)]


def test_an_answer_without_an_id_may_write_its_service_in_another_form(
    broker: Broker, device: Peer
) -> None:
    send(broker, 1)
    assert device.says(answer(service='/' + SERIALIZED)) == [accepted(1)]


# Answers with an id


def test_a_late_answer_is_no_error(broker: Broker, device: Peer) -> None:
    send(broker, 1, 2, 3)
    by_answer, by_result, by_withdrawal = device.hears()
    device.says(answer(by_answer))
    device.says(result(2))
    broker.withdraw(UID, 3)
    # The manager judges whether they are too late.
    assert device.says(answer(by_result)) == [accepted(2)]
    assert device.says(answer(by_withdrawal)) == [accepted(3)]
    for _ in range(1_000):
        for call in (by_answer, by_result, by_withdrawal):
            assert device.says(answer(call)) == []
    assert device.hears() == []
    assert device.session.closing is None


@pytest.mark.parametrize(
    'withdrawal',
    [
        [advertise()],
        [{'op': 'unadvertise_service', 'service': SERIALIZED}],
        [{'op': 'unadvertise_service', 'service': SERIALIZED}, ping()],
    ],
)
def test_an_answer_to_a_command_of_a_former_advertisement_is_no_error(
    broker: Broker, device: Peer, withdrawal: list[dict[str, Any]]
) -> None:
    send(broker, *range(5))
    calls = device.hears()
    for frame in withdrawal:
        device.says(frame)
    for call in calls:
        assert device.says(answer(call)) == []
    assert device.hears() == []


@pytest.mark.parametrize('number', ['2', '0', '-1', '01', '1' * 150, 'x', ''])
def test_an_answer_with_an_id_that_was_never_sent_is_refused(
    broker: Broker, device: Peer, number: str
) -> None:
    send(broker, 1)
    device.hears()
    assert device.says(answer({'id': f'service_request:{SERIALIZED}:{number}'})) == []
    assert 'answers no command' in device.refusal()


def test_an_answer_is_refused_if_the_device_has_answered_everything(
    broker: Broker, device: Peer
) -> None:
    send(broker, 1)
    device.hears()
    device.says(answer())
    assert device.says(answer()) == []
    assert 'answers no command' in device.refusal()


# The frame limit


def test_what_settles_our_commands_counts_as_no_flood(broker: Broker) -> None:
    device = Peer(broker, limits=SessionLimits(frames=10, frames_per_s=1))
    device.says(advertise())
    delays = [device.session.read_delay(0.0)]
    for cmd_id in range(1_000):
        send(broker, cmd_id)
        (call,) = device.hears()
        for frame in (answer(call), result(cmd_id)):
            device.says(frame)
            delays.append(device.session.read_delay(0.0))
    assert delays == [0.0] * 2_001


def test_results_and_answers_of_no_command_count_as_a_flood(broker: Broker) -> None:
    device = Peer(broker, limits=SessionLimits(frames=10, frames_per_s=1, errors=1_000))
    device.says(advertise())
    send(broker, 1)
    (call,) = device.hears()
    delayed = 0
    for _ in range(100):
        for frame in (answer(call), result(7), {'op': 'publish', 'topic': '/rosout'}):
            device.says(frame)
            delayed += device.session.read_delay(0.0) > 0
    assert delayed == 300 - 10 - 2


def test_a_ping_after_an_answer_counts(broker: Broker) -> None:
    device = Peer(broker, limits=SessionLimits(frames=1, frames_per_s=1))
    device.says(advertise())
    assert device.session.read_delay(0.0) == 0.0
    send(broker, 1)
    device.says(answer())
    assert device.session.read_delay(0.0) == 0.0
    assert device.says(ping()) == [Pinged(UID)]
    assert device.session.read_delay(0.0) > 0
