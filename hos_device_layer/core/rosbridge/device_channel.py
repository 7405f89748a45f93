"""A device that a session serves: its services, and the commands that it has not answered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from ..dispatch.calls import TypedField
from ..dispatch.commands import Command
from ..dispatch.events import CommandAnswered, ResultReported
from .frames import CallService, FrameId, encode, raw
from .messages import (
    DeviceCommandRequest,
    DeviceCommandResponse,
    SerializedDeviceCommandRequest,
)
from .names import ServiceKind

# A client may register before it advertises its services. This many commands wait for that.
MAX_WAITING = 100

# How many results of relayed commands are awaited; the oldest are given up.
MAX_RELAYED = 1_000


class Relay(Protocol):
    """Receives the answer and the result of a command that the device manager did not send."""

    def answered(self, is_valid: bool, error: str) -> None:
        """Receive the answer to the command; called exactly once."""

    def reported(self, result: ResultReported) -> None:
        """Receive the result of an accepted command."""

    def abandoned(self) -> None:
        """Handle that the result of an accepted command is no longer awaited."""


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


class OutgoingCall:
    """A command that is queued for its peer; it can be withdrawn until `text` was taken."""

    def __init__(self, channel: DeviceChannel, kind: ServiceKind, command: ChannelCommand) -> None:
        self.kind = kind
        self.command = command
        self.args = raw(command_request(command.command))
        self._channel = channel

    def __len__(self) -> int:
        return len(bytes(self.args))

    def text(self) -> str | None:
        """Return the frame, which is now sent; None if the command was withdrawn."""
        call = self._channel.sent(self)
        return None if call is None else encode(call)


class _AdvertisedService:
    """A service by the name that the device sent, and how many calls it has received."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.calls = 0

    def next_id(self) -> str:
        # Counted from 1 for each advertisement: public firmware counts along.
        self.calls += 1
        return f'service_request:{self.name}:{self.calls}'


class DeviceChannel:
    """
    One device of a session; `send` queues a frame for its peer.

    Each command leads to one `CommandAnswered`, unless it is withdrawn or the channel is closed
    before. Relayed commands are always answered.
    """

    def __init__(self, uid: int, max_outstanding: int) -> None:
        self.uid = uid
        self._max_outstanding = max_outstanding
        self._services: dict[ServiceKind, _AdvertisedService] = {}
        self._waiting: list[ChannelCommand] = []
        # Queued by the session, in the order of sending; they have no id yet.
        self._queued: dict[OutgoingCall, None] = {}
        # By the id of the call; in the order of sending.
        self._outstanding: dict[str, tuple[ServiceKind, ChannelCommand]] = {}
        self._relays: dict[int, Relay] = {}

    @property
    def serves(self) -> bool:
        """Whether the device has advertised a service."""
        return bool(self._services)

    def advertise(
        self, kind: ServiceKind, name: str
    ) -> tuple[list[CommandAnswered], list[OutgoingCall]]:
        """Record a service; returns refusals of older commands, and calls to queue."""
        answers = self.unadvertise(kind)
        self._services[kind] = _AdvertisedService(name)
        waiting, self._waiting = self._waiting, []
        calls: list[OutgoingCall] = []
        for command in waiting:
            call, refusals = self.command(command)
            answers += refusals
            calls += [call] if call is not None else []
        return answers, calls

    def unadvertise(self, kind: ServiceKind) -> list[CommandAnswered]:
        """Forget a service; returns refusals of the commands that it has not answered."""
        self._services.pop(kind, None)
        error = (
            f'the device with uid {self.uid} withdrew its service before it answered; it may '
            'execute the command'
        )
        return self._refuse_outstanding(error, {kind})

    def close(self, error: str) -> None:
        """Answer relayed commands; the others may have reached the device and still count."""
        commands = [*self._waiting, *(call.command for call in self._queued)]
        commands += [command for _, command in self._outstanding.values()]
        for command in commands:
            if command.relay is not None:
                command.answered(False, error)
        for relay in self._relays.values():
            relay.abandoned()
        self._waiting.clear()
        self._queued.clear()
        self._outstanding.clear()
        self._relays.clear()

    def command(
        self, command: ChannelCommand
    ) -> tuple[OutgoingCall | None, list[CommandAnswered]]:
        """Return a command to queue, or its refusal, or neither while it waits."""
        serialized = command.command.serialized is not None
        kind = ServiceKind.SERIALIZED_COMMAND if serialized else ServiceKind.COMMAND
        if kind not in self._services:
            return None, self._wait(command, kind)
        unanswered = len(self._outstanding) + len(self._queued)
        if unanswered >= self._max_outstanding:
            return None, self._refusal(
                command, f'has {unanswered} unanswered commands; call more slowly'
            )
        call = OutgoingCall(self, kind, command)
        self._queued[call] = None
        self._await_result(command.command.cmd_id, command.relay)
        return call, []

    def sent(self, call: OutgoingCall) -> CallService | None:
        """Give a queued call its id, because it is sent now; None if it was withdrawn."""
        if call not in self._queued:
            return None
        del self._queued[call]
        service = self._services[call.kind]
        call_id = service.next_id()
        self._outstanding[call_id] = call.kind, call.command
        return CallService(id=call_id, service=service.name, args=call.args)

    def withdraw(self, cmd_id: int | None = None) -> None:
        """Do not send a command of the device manager that still waits; None: any of them."""

        def is_meant(command: ChannelCommand) -> bool:
            return command.relay is None and cmd_id in (None, command.command.cmd_id)

        self._waiting = [command for command in self._waiting if not is_meant(command)]
        self._queued = {call: None for call in self._queued if not is_meant(call.command)}

    def answer(
        self, call_id: FrameId, service: str, response: DeviceCommandResponse
    ) -> list[CommandAnswered] | None:
        """
        Match an answer of the device with its command; None if it answers no command.

        An answer without an id belongs to the oldest call of its service.
        """
        key = call_id if call_id is not None else next(self._calls_of(service), None)
        outstanding = self._outstanding.pop(key, None) if isinstance(key, str) else None
        if outstanding is None:
            return None
        command = outstanding[1]
        if not response.is_valid:
            self._relays.pop(command.command.cmd_id, None)
        return command.answered(response.is_valid, response.error)

    def report(self, result: ResultReported) -> list[ResultReported]:
        """Pass the result of a relayed command on, or return it as an event."""
        relay = self._relays.pop(result.cmd_id, None)
        if relay is None:
            return [result]
        relay.reported(result)
        return []

    def _await_result(self, cmd_id: int, relay: Relay | None) -> None:
        # The device reports results by this id alone: the latest command gets the next result.
        if former := self._relays.pop(cmd_id, None):
            former.abandoned()
        if relay is None:
            return
        self._relays[cmd_id] = relay
        if len(self._relays) > MAX_RELAYED:
            self._relays.pop(next(iter(self._relays))).abandoned()

    def _calls_of(self, service: str) -> Iterator[str]:
        kinds = [kind for kind, served in self._services.items() if served.name == service]
        return (i for i, (kind, _) in self._outstanding.items() if kind in kinds)

    def _refuse_outstanding(self, error: str, kinds: set[ServiceKind]) -> list[CommandAnswered]:
        unanswered = [i for i, (kind, _) in self._outstanding.items() if kind in kinds]
        commands = [self._outstanding.pop(call_id)[1] for call_id in unanswered]
        commands += [call.command for call in self._queued if call.kind in kinds]
        self._queued = {call: None for call in self._queued if call.kind not in kinds}
        return [answer for command in commands for answer in command.answered(False, error)]

    def _wait(self, command: ChannelCommand, kind: ServiceKind) -> list[CommandAnswered]:
        if self._services:
            (other, *_) = self._services
            return self._refusal(
                command,
                f'serves {other.value} only, but the specification asks for {kind.value}; '
                'set or clear serialized_api of its device type',
            )
        if len(self._waiting) >= MAX_WAITING:
            return self._refusal(
                command, 'is connected but serves no commands; it must send advertise_service'
            )
        self._waiting.append(command)
        return []

    def _refusal(self, command: ChannelCommand, reason: str) -> list[CommandAnswered]:
        return command.answered(False, f'the device with uid {self.uid} {reason}')


def command_request(
    command: Command,
) -> DeviceCommandRequest | SerializedDeviceCommandRequest:
    """Return a command as the request of its service."""
    if command.serialized is not None:
        return SerializedDeviceCommandRequest(
            command.cmd_id, command.serialized, command.function.name
        )
    fields = tuple(
        TypedField(field.name, field.type.value, text)
        for field, text in zip(command.function.arguments, command.arguments)
    )
    return DeviceCommandRequest(command.cmd_id, command.function.name, len(fields), fields)
