"""Relays commands that ROS nodes send directly to gateway devices, without a task."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ...core.dispatch.commands import Command
from ...core.dispatch.events import ResultReported
from ...core.rosbridge import Relay
from ...core.text import without_nul
from .bridge import Wake
from .mailbox import Mailbox

# Receives `is_valid` and `error` of the device's answer.
AnswerCallback = Callable[[bool, str], None]


class CommandRelay:
    """
    Relays commands of ROS nodes to devices, and the answers and results back.

    `send_command` is `Gateway.send`; `on_result` receives the results of relayed commands. Methods
    must be called, and callbacks are called, on the device manager's thread.
    """

    def __init__(
        self, send_command: Callable[[Command, Relay | None], object], wake_manager: Wake
    ) -> None:
        self.on_result: Callable[[ResultReported], object] = lambda _: None
        self._send_command = send_command
        self._to_manager = Mailbox(wake_manager)
        # The device manager's own running commands: uids by ids.
        self._reserved: dict[int, int] = {}
        self._relayed: set[tuple[int, int]] = set()

    def reserve(self, command: Command) -> None:
        """Reserve the id of a command of the device manager: `send` refuses it meanwhile."""
        self._reserved[command.cmd_id] = command.uid

    def release(self, cmd_id: int) -> None:
        """Release the id of a command of the device manager that has ended."""
        self._reserved.pop(cmd_id, None)

    def send(self, command: Command, answer: AnswerCallback) -> None:
        """Send a command of a ROS node; `answer` is called exactly once."""
        key = command.uid, command.cmd_id
        if self._reserved.get(command.cmd_id) == command.uid or key in self._relayed:
            # A device's result has no other key than this id.
            answer(
                False,
                f'cmd_id {command.cmd_id} belongs to a running command of the device with uid '
                f'{command.uid}; choose another cmd_id',
            )
            return
        self._relayed.add(key)
        self._send_command(command, _RelayedCommand(self, command, answer))

    def queue(self, job: Callable[[], object]) -> None:
        """Run a job on the device manager's thread."""
        self._to_manager.put(job)

    def finish(self, command: Command) -> None:
        """Record that a relayed command has ended."""
        self._relayed.discard((command.uid, command.cmd_id))


class _RelayedCommand:
    """The Relay of one command; its public methods are called on the gateway's thread."""

    def __init__(self, relay: CommandRelay, command: Command, answer: AnswerCallback) -> None:
        self._relay = relay
        self._command = command
        self._answer = answer

    def answered(self, is_valid: bool, error: str) -> None:
        self._relay.queue(partial(self._take_answer, is_valid, error))

    def reported(self, result: ResultReported) -> None:
        self._relay.queue(partial(self._take_result, result))

    def abandoned(self) -> None:
        self._relay.queue(partial(self._relay.finish, self._command))

    def _take_answer(self, is_valid: bool, error: str) -> None:
        if not is_valid:
            self._relay.finish(self._command)
        self._answer(is_valid, without_nul(error))

    def _take_result(self, result: ResultReported) -> None:
        self._relay.finish(self._command)
        self._relay.on_result(result)
