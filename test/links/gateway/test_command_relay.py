"""Commands that ROS nodes send directly to gateway devices."""

from __future__ import annotations

from typing import Any

import pytest
from peers import OTHER, UID, serialized_command

from hos_device_layer.core.dispatch.commands import Command
from hos_device_layer.core.dispatch.events import ResultReported
from hos_device_layer.core.rosbridge import Relay
from hos_device_layer.links.gateway.command_relay import CommandRelay

RESULT = ResultReported(UID, 1, True, '', 'V5')


class RelayedCommands:
    """A relay whose jobs run immediately, and everything that it sent and reported."""

    def __init__(self) -> None:
        self.sent: list[tuple[Command, Relay]] = []
        self.answers: list[tuple[bool, str]] = []
        self.results: list[ResultReported] = []
        self.relay = CommandRelay(self._take, lambda job: job())
        self.relay.on_result = self.results.append

    def _take(self, command: Command, relay: Relay | None) -> None:
        assert relay is not None
        self.sent.append((command, relay))

    def send(self, command: Command) -> None:
        self.relay.send(command, lambda *answer: self.answers.append(answer))

    def send_accepted(self, command: Command) -> Relay:
        """Send a command that is not refused and return its relay."""
        self.send(command)
        sent, relay = self.sent.pop()
        assert sent == command
        return relay

    def assert_refused(self, command: Command) -> None:
        """Send a command and check that its id is refused without sending it."""
        before = len(self.answers)
        self.send(command)
        assert self.sent == []
        (is_valid, error), *more = self.answers[before:]
        assert not is_valid and more == []
        assert f'cmd_id {command.cmd_id} belongs to a running command' in error
        del self.answers[before:]


@pytest.fixture
def relayed() -> RelayedCommands:
    return RelayedCommands()


def test_the_answer_and_the_result_return_to_the_sender(relayed: RelayedCommands) -> None:
    relay = relayed.send_accepted(serialized_command(1))
    relay.answered(True, 'a\0b')
    relay.reported(RESULT)
    # A text of a ROS message would end at NUL.
    assert (relayed.answers, relayed.results) == ([(True, 'a␀b')], [RESULT])


@pytest.mark.parametrize('end', ['refused', 'reported', 'abandoned'])
def test_an_id_is_in_use_until_its_command_has_ended(relayed: RelayedCommands, end: str) -> None:
    command = serialized_command(1)
    relay = relayed.send_accepted(command)
    relayed.assert_refused(command)
    if end == 'refused':
        relay.answered(False, 'door open')
    else:
        relay.answered(True, '')
        relayed.assert_refused(command)
        if end == 'reported':
            relay.reported(RESULT)
        else:
            relay.abandoned()
    relayed.send_accepted(command)


def test_a_result_before_the_answer_ends_the_command(relayed: RelayedCommands) -> None:
    command = serialized_command(1)
    relay = relayed.send_accepted(command)
    relay.reported(RESULT)
    relay.answered(True, '')
    assert (relayed.results, relayed.answers) == ([RESULT], [(True, '')])
    relayed.send_accepted(command)


def test_the_id_of_a_running_task_cannot_be_relayed_to_the_same_device(
    relayed: RelayedCommands,
) -> None:
    relayed.relay.reserve(serialized_command(1))
    relayed.assert_refused(serialized_command(1))
    relayed.send_accepted(serialized_command(1, OTHER))
    relayed.send_accepted(serialized_command(2))
    relayed.relay.release(1)
    relayed.send_accepted(serialized_command(1))


def test_an_id_that_is_not_reserved_can_be_released(relayed: RelayedCommands) -> None:
    relayed.relay.release(1)
    relayed.send_accepted(serialized_command(1))


def test_one_id_may_run_on_two_devices(relayed: RelayedCommands) -> None:
    first = relayed.send_accepted(serialized_command(1))
    relayed.send_accepted(serialized_command(1, OTHER))
    first.answered(False, 'door open')
    relayed.assert_refused(serialized_command(1, OTHER))
    relayed.send_accepted(serialized_command(1))


def test_callbacks_are_called_on_the_thread_of_the_manager() -> None:
    jobs: list[Any] = []
    answers: list[tuple[bool, str]] = []
    relays: list[Relay | None] = []
    relay = CommandRelay(lambda _, r: relays.append(r), jobs.append)
    relay.send(serialized_command(1), lambda *answer: answers.append(answer))
    (sent,) = relays
    assert sent is not None
    sent.answered(True, '')
    assert answers == []
    jobs.pop()()
    assert answers == [(True, '')]
