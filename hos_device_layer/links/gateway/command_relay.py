"""Relays commands that ROS nodes send directly to gateway devices, without a task."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import msgspec

from ...core.dispatch.commands import Command
from ...core.dispatch.deadlines import Deadlines
from ...core.dispatch.events import ResultReported
from ...core.errors import HosError
from ...core.rosbridge import Relay
from ...core.text import without_nul
from .mailbox import Job

# Receives `is_valid` and `error` of the device's answer.
AnswerCallback = Callable[[bool, str], None]


class CommandRelay:
    """
    Relays commands of ROS nodes to devices, and the answers and results back.

    `send_command` and `withdraw` are methods of `Gateway`; `on_result` receives the results of
    relayed commands. Methods must be called, and callbacks are called, on the device manager's
    thread, where `queue` runs jobs.

    A device receives each command with the next of `ids`, those of the device manager's tasks: a
    device's result has no other key, and senders cannot know which ids are in use. A command that
    its device does not answer within `timeout_s` [s] is refused.
    """

    def __init__(
        self,
        send_command: Callable[[Command, Relay | None], object],
        withdraw: Callable[[int, int], object],
        ids: Iterator[int],
        queue: Callable[[Job], object],
        timeout_s: float,
    ) -> None:
        self.on_result: Callable[[ResultReported], object] = lambda _: None
        self.queue = queue
        self._send_command = send_command
        self._withdraw = withdraw
        self._ids = ids
        self._timeout_s = timeout_s
        self._unanswered: dict[int, _RelayedCommand] = {}
        self._deadlines = Deadlines()

    def send(self, command: Command, answer: AnswerCallback, now: float) -> None:
        """Send a command of a ROS node at `now` [s, steady]; `answer` is called exactly once."""
        try:
            cmd_id = next(self._ids)
        except HosError as error:
            answer(False, str(error))
            return
        sent = command._replace(cmd_id=cmd_id)
        relayed = self._unanswered[cmd_id] = _RelayedCommand(self, sent, command.cmd_id, answer)
        self._deadlines.set(cmd_id, now + self._timeout_s)
        self._send_command(sent, relayed)

    def answered(self, cmd_id: int, is_valid: bool, error: str) -> None:
        """Pass an answer on, unless the command has been answered or refused before."""
        relayed = self._unanswered.pop(cmd_id, None)
        if relayed is not None:
            self._deadlines.drop(cmd_id)
            relayed.answer(is_valid, without_nul(error))

    def refuse_late(self, now: float) -> None:
        """Refuse the commands that were not answered in time, at `now` [s, steady]."""
        for cmd_id in self._deadlines.take_due(now):
            uid = self._unanswered[cmd_id].command.uid
            self._withdraw(uid, cmd_id)
            self.answered(
                cmd_id,
                False,
                f'the device with uid {uid} did not answer within {self._timeout_s:g} s; it may '
                'still execute the command',
            )


class _RelayedCommand:
    """The Relay of one command; is called on the gateway's thread."""

    def __init__(
        self, relay: CommandRelay, command: Command, cmd_id: int, answer: AnswerCallback
    ) -> None:
        self.command = command
        self.answer = answer
        self._relay = relay
        self._cmd_id = cmd_id

    def answered(self, is_valid: bool, error: str) -> None:
        queue, cmd_id = self._relay.queue, self.command.cmd_id
        queue(partial(self._relay.answered, cmd_id, is_valid, error))

    def reported(self, result: ResultReported) -> None:
        result = msgspec.structs.replace(result, cmd_id=self._cmd_id)
        self._relay.queue(partial(self._take_result, result))

    def _take_result(self, result: ResultReported) -> None:
        self._relay.on_result(result)
