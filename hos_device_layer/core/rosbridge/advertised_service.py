"""A command service of a device: the commands sent to it, and which answer belongs to which."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from ..dispatch.commands import Command
from ..dispatch.events import CommandAnswered, ResultReported
from .frames import FrameId

# How many settled commands are remembered, of each kind, for the answers that may still arrive.
MAX_REMEMBERED = 32

# The numbers of calls have at most this many digits; int() of very many would be slow.
_MAX_DIGITS = 15


class Relay(Protocol):
    """Receives the answer and the result of a command that the device manager did not send."""

    def answered(self, is_valid: bool, error: str) -> None:
        """Receive the answer to the command; called exactly once."""

    def reported(self, result: ResultReported) -> None:
        """Receive the result of an accepted command."""


class ChannelCommand(NamedTuple):
    """A command to send; `relay` is None for the device manager's own commands."""

    command: Command
    relay: Relay | None = None

    def answered(self, is_valid: bool, error: str) -> list[CommandAnswered]:
        """Pass an answer on to the relay, or return it as an event."""
        if self.relay is not None:
            self.relay.answered(is_valid, error)
            return []
        return [CommandAnswered(self.command.uid, self.command.cmd_id, is_valid, error)]


class AdvertisedService:
    """
    A service, from its advertisement until it is advertised again or withdrawn.

    A command is settled by its answer or its result, or by its withdrawal. An answer with the id
    of a call belongs to this call. One without an id belongs to the oldest command that is not
    settled, unless the latest command that was settled by its result lacks an answer, and the
    device has shown that it answers this function after its results: thus neither a lost answer
    nor a device that reports its results within its handlers shifts the answers for long.
    """

    def __init__(self, name: str, former_calls: int = 0) -> None:
        self.name = name
        self.calls = 0
        # Calls of former advertisements, whose answers may still arrive.
        self._former_calls = former_calls
        self._answers = 0
        # By the id of the call, in the order of sending.
        self._unsettled: dict[str, ChannelCommand] = {}
        # Settled, but not answered.
        self._withdrawn: dict[str, ChannelCommand] = {}
        self._reported: dict[str, ChannelCommand] = {}
        # The functions that the device answers after their results.
        self._answered_after_results: set[str] = set()

    def __len__(self) -> int:
        """Return how many commands are not settled."""
        return len(self._unsettled)

    @property
    def highest_number(self) -> int:
        """The highest number of a call that an answer may refer to."""
        return max(self.calls, self._former_calls)

    def send(self, command: ChannelCommand) -> str:
        """Record that a command is sent; returns the id of the call."""
        # Counted from 1 for each advertisement: public firmware counts along.
        self.calls += 1
        call_id = f'{self._id_prefix}{self.calls}'
        self._unsettled[call_id] = command
        return call_id

    def settle(self, cmd_id: int) -> ChannelCommand | None:
        """Settle a command by its result; None if no command with this id is unsettled."""
        for call_id, command in self._unsettled.items():
            if command.command.cmd_id == cmd_id:
                self._remember(self._reported, call_id)
                return command
        return None

    def withdraw(self, is_meant: Callable[[ChannelCommand], bool]) -> int:
        """Settle commands whose tasks have ended; returns how many."""
        call_ids = [i for i, command in self._unsettled.items() if is_meant(command)]
        for call_id in call_ids:
            self._remember(self._withdrawn, call_id)
        return len(call_ids)

    def abandon(self) -> list[ChannelCommand]:
        """Settle all commands and return them; their answers are ignored."""
        commands = list(self._unsettled.values())
        self._unsettled.clear()
        return commands

    def has_sent(self, call_id: FrameId, service_name: str) -> bool:
        """Whether an answer to this service, or with this id, is one to a call of this service."""
        if call_id is None or call_id == '':
            is_own = service_name.removeprefix('/') == self.name.removeprefix('/')
            return is_own and self._answers < self.calls
        if not isinstance(call_id, str) or not call_id.startswith(self._id_prefix):
            return False
        number = call_id.removeprefix(self._id_prefix)
        if not number.isdecimal() or len(number) > _MAX_DIGITS or number.startswith('0'):
            return False
        return int(number) <= self.highest_number

    def take_answer(self, call_id: FrameId) -> ChannelCommand | None:
        """
        Return the command that an answer belongs to; None if it had been answered before.

        The command may have been settled. `has_sent` must be true.
        """
        self._answers = min(self._answers + 1, self.calls)
        if isinstance(call_id, str) and call_id:
            return self._take(call_id)
        if self._means_reported_command():
            command = self._take(next(reversed(self._reported)))
            # Answers come in the order of the results: those of the others were lost.
            self._reported.clear()
            return command
        return self._take(next(iter(self._unsettled or self._withdrawn), ''))

    @property
    def _id_prefix(self) -> str:
        return f'service_request:{self.name}:'

    def _take(self, call_id: str) -> ChannelCommand | None:
        for commands in (self._unsettled, self._withdrawn):
            if command := commands.pop(call_id, None):
                return command
        reported = self._reported.pop(call_id, None)
        # To a relay, the result was the answer.
        return None if reported is None or reported.relay is not None else reported

    def _remember(self, settled: dict[str, ChannelCommand], call_id: str) -> None:
        settled[call_id] = self._unsettled.pop(call_id)
        if len(settled) > MAX_REMEMBERED:
            del settled[next(iter(settled))]

    def _means_reported_command(self) -> bool:
        if not self._reported:
            return False
        function = next(reversed(self._reported.values())).command.function.name
        if not self._unsettled and not self._withdrawn:
            # Nothing else can be meant.
            self._answered_after_results.add(function)
        return not self._unsettled or function in self._answered_after_results
