"""Commands that ROS nodes send directly to gateway devices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace
from peers import UID, serialized_command

from hos_device_layer.core.dispatch.commands import Command
from hos_device_layer.core.dispatch.events import ResultReported
from hos_device_layer.core.errors import HosError
from hos_device_layer.core.rosbridge import Relay
from hos_device_layer.links.gateway.command_relay import CommandRelay

RESULT = ResultReported(UID, 1, True, '', 'V5')


def ids() -> Iterator[int]:
    yield from (101, 102)
    raise HosError('the disk is full')


class RelayedCommands:
    """A relay whose jobs run immediately, and everything that it sent and reported."""

    def __init__(self) -> None:
        self.sent: list[tuple[Command, Relay]] = []
        self.answers: list[tuple[bool, str]] = []
        self.results: list[ResultReported] = []
        self.withdrawn: list[tuple[int, int]] = []
        self.relay = CommandRelay(
            self._take,
            lambda uid, cmd_id: self.withdrawn.append((uid, cmd_id)),
            ids(),
            lambda job: job(),
            timeout_s=5,
        )
        self.relay.on_result = self.results.append

    def _take(self, command: Command, relay: Relay | None) -> None:
        assert relay is not None
        self.sent.append((command, relay))

    def send(self, command: Command) -> None:
        self.relay.send(command, lambda *answer: self.answers.append(answer), now=100)


@pytest.fixture
def relayed() -> RelayedCommands:
    return RelayedCommands()


def test_the_answer_and_the_result_return_to_the_sender(relayed: RelayedCommands) -> None:
    relayed.send(serialized_command(1))
    ((command, relay),) = relayed.sent
    assert command == serialized_command(101)
    relay.answered(True, 'a\0b')
    relay.reported(replace(RESULT, cmd_id=101))
    # A text of a ROS message would end at NUL.
    assert (relayed.answers, relayed.results) == ([(True, 'a␀b')], [RESULT])


def test_commands_of_several_senders_with_the_same_id_are_not_mixed_up(
    relayed: RelayedCommands,
) -> None:
    for _ in range(2):
        relayed.send(serialized_command(1))
    ((first, first_relay), (second, second_relay)) = relayed.sent
    assert (first.cmd_id, second.cmd_id) == (101, 102)
    second_relay.answered(False, 'busy')
    first_relay.answered(True, '')
    assert relayed.answers == [(False, 'busy'), (True, '')]


def test_a_command_is_refused_while_there_is_no_id(relayed: RelayedCommands) -> None:
    for _ in range(3):
        relayed.send(serialized_command(1))
    assert len(relayed.sent) == 2
    assert relayed.answers == [(False, 'the disk is full')]


def test_callbacks_are_called_on_the_thread_of_the_manager() -> None:
    jobs: list[Any] = []
    answers: list[tuple[bool, str]] = []
    relays: list[Relay | None] = []
    relay = CommandRelay(lambda _, r: relays.append(r), lambda *_: None, ids(), jobs.append, 5)
    relay.send(serialized_command(1), lambda *answer: answers.append(answer), now=100)
    (sent,) = relays
    assert sent is not None
    sent.answered(True, '')
    assert answers == []
    jobs.pop()()
    assert answers == [(True, '')]


def test_a_command_that_its_device_does_not_answer_is_refused(relayed: RelayedCommands) -> None:
    """Its result counts nevertheless: the device may have received it."""
    relayed.send(serialized_command(1))
    ((_, relay),) = relayed.sent
    relayed.relay.refuse_late(104.9)
    assert not relayed.answers and not relayed.withdrawn
    relayed.relay.refuse_late(105)
    ((is_valid, error),) = relayed.answers
    assert not is_valid and f'uid {UID} did not answer within 5 s' in error
    assert relayed.withdrawn == [(UID, 101)]
    relay.answered(True, '')
    relay.reported(replace(RESULT, cmd_id=101))
    assert len(relayed.answers) == 1 and relayed.results == [RESULT]
    relayed.relay.refuse_late(200)
    assert len(relayed.answers) == 1
