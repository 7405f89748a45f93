"""Commands that ROS nodes send to gateway devices themselves, past the device manager."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ...core.dispatch.commands import Command
from ...core.dispatch.events import ResultReported
from ...core.rosbridge import Relay
from .bridge import Wake
from .mailbox import Mailbox

Answer = Callable[[bool, str], None]


class CommandRelay:
    """
    Relays commands to devices, their answers and their results.

    `send_command` is `Gateway.send`; `on_result` receives the results of relayed commands. All
    of it happens on the device manager's thread.
    """

    def __init__(
        self, send_command: Callable[[Command, Relay | None], object], wake_manager: Wake
    ) -> None:
        self.on_result: Callable[[ResultReported], object] = lambda _: None
        self._send_command = send_command
        self._to_manager = Mailbox(wake_manager)
        # The uids by the ids of the device manager's commands.
        self._reserved: dict[int, int] = {}
        self._relayed: set[tuple[int, int]] = set()

    def reserve(self, command: Command) -> None:
        """Relay no command with the id of one of the device manager's own."""
        self._reserved[command.cmd_id] = command.uid

    def release(self, cmd_id: int) -> None:
        """Record that a command of the device manager has ended."""
        self._reserved.pop(cmd_id, None)

    def send(self, command: Command, answer: Answer) -> None:
        """Send a command of a ROS node; `answer` is called once."""
        key = command.uid, command.cmd_id
        if self._reserved.get(command.cmd_id) == command.uid or key in self._relayed:
            # The device reports results by this id alone.
            answer(False, f'a command with cmd_id {command.cmd_id} is running; choose another')
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
    """The Relay of one command; called on the gateway's thread."""

    def __init__(self, relay: CommandRelay, command: Command, answer: Answer) -> None:
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
        self._answer(is_valid, error)

    def _take_result(self, result: ResultReported) -> None:
        self._relay.finish(self._command)
        self._relay.on_result(result)
