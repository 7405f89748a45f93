"""Relays commands that ROS nodes send directly to gateway devices, without a task."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import msgspec

from ...core.dispatch.commands import Command
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

    `send_command` is `Gateway.send`; `on_result` receives the results of relayed commands. Methods
    must be called, and callbacks are called, on the device manager's thread, where `queue` runs
    jobs. A device receives each command with the next of `ids`, those of the device manager's
    tasks: a device's result has no other key, and senders cannot know which ids are in use.
    """

    def __init__(
        self,
        send_command: Callable[[Command, Relay | None], object],
        ids: Iterator[int],
        queue: Callable[[Job], object],
    ) -> None:
        self.on_result: Callable[[ResultReported], object] = lambda _: None
        self.queue = queue
        self._send_command = send_command
        self._ids = ids

    def send(self, command: Command, answer: AnswerCallback) -> None:
        """Send a command of a ROS node; `answer` is called exactly once."""
        try:
            cmd_id = next(self._ids)
        except HosError as error:
            answer(False, str(error))
            return
        relayed = _RelayedCommand(self, command.cmd_id, answer)
        self._send_command(command._replace(cmd_id=cmd_id), relayed)


class _RelayedCommand:
    """The Relay of one command; its public methods are called on the gateway's thread."""

    def __init__(self, relay: CommandRelay, cmd_id: int, answer: AnswerCallback) -> None:
        self._relay = relay
        self._cmd_id = cmd_id
        self._answer = answer

    def answered(self, is_valid: bool, error: str) -> None:
        self._relay.queue(partial(self._answer, is_valid, without_nul(error)))

    def reported(self, result: ResultReported) -> None:
        result = msgspec.structs.replace(result, cmd_id=self._cmd_id)
        self._relay.queue(partial(self._take_result, result))

    def _take_result(self, result: ResultReported) -> None:
        self._relay.on_result(result)
