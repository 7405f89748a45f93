"""A device's place at the gateway: what it serves, and the commands it has not answered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..dispatch.commands import Command
from .events import CommandAnswered
from .frames import CallService, FrameId, raw
from .messages import (
    DeviceCommandRequest,
    DeviceCommandResponse,
    SerializedDeviceCommandRequest,
    TypedField,
)
from .names import ServiceKind

# A client may register before it serves; what comes in between waits for it, and not much does.
MAX_WAITING = 100


class ChannelCommand(NamedTuple):
    """A command to send; `relay` numbers those that are not the device manager's own."""

    command: Command
    relay: int | None = None

    def answered(self, is_valid: bool, error: str) -> CommandAnswered:
        return CommandAnswered(self.command.cmd_id, is_valid, error, self.relay)


class _Advertised:
    """A service as the device named it, and how many calls it has got."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.calls = 0

    def next_id(self) -> str:
        # Counted from 1 for each advertisement: public firmware counts along.
        self.calls += 1
        return f'service_request:{self.name}:{self.calls}'


class DeviceChannel:
    """
    One device behind a socket.

    Every command is answered by one `CommandAnswered`, unless the seat is lost before.
    """

    def __init__(self, uid: int, max_outstanding: int) -> None:
        self.uid = uid
        self._max_outstanding = max_outstanding
        self._services: dict[ServiceKind, _Advertised] = {}
        self._waiting: list[ChannelCommand] = []
        # By the id of the call; in the order of sending.
        self._outstanding: dict[str, tuple[ServiceKind, ChannelCommand]] = {}

    @property
    def serves(self) -> bool:
        """Whether the device serves anything."""
        return bool(self._services)

    def advertise(
        self, kind: ServiceKind, name: str
    ) -> tuple[list[CommandAnswered], list[CallService]]:
        """Take note of a service; returns what became of older commands, and calls to send."""
        answers = self.unadvertise(kind)
        self._services[kind] = _Advertised(name)
        waiting, self._waiting = self._waiting, []
        outcomes = [self.command(order) for order in waiting]
        calls = [outcome for outcome in outcomes if isinstance(outcome, CallService)]
        answers += [outcome for outcome in outcomes if isinstance(outcome, CommandAnswered)]
        return answers, calls

    def unadvertise(self, kind: ServiceKind) -> list[CommandAnswered]:
        """Forget a service; returns refusals of the commands it has not answered."""
        self._services.pop(kind, None)
        unanswered = [i for i, (served_by, _) in self._outstanding.items() if served_by is kind]
        return [
            self._outstanding.pop(call_id)[1].answered(
                False,
                f'the device with uid {self.uid} withdrew its service before it answered',
            )
            for call_id in unanswered
        ]

    def command(self, order: ChannelCommand) -> CallService | CommandAnswered | None:
        """Return the call that sends a command, or its refusal, or None while it has to wait."""
        command = order.command
        kind = (
            ServiceKind.COMMAND if command.serialized is None else ServiceKind.SERIALIZED_COMMAND
        )
        advertised = self._services.get(kind)
        if advertised is None:
            return self._wait(order, kind)
        if len(self._outstanding) >= self._max_outstanding:
            return self._refusal(
                order, f'has {len(self._outstanding)} unanswered commands; call more slowly'
            )
        call_id = advertised.next_id()
        self._outstanding[call_id] = kind, order
        return CallService(id=call_id, service=advertised.name, args=raw(command_request(command)))

    def answer(
        self, call_id: FrameId, service: str, response: DeviceCommandResponse
    ) -> CommandAnswered | None:
        """
        Match a device's answer with its command; None if there is none for it.

        An answer without an id belongs to the oldest call of its service.
        """
        key = call_id if call_id is not None else next(self._calls_of(service), None)
        outstanding = self._outstanding.pop(key, None) if isinstance(key, str) else None
        if outstanding is None:
            return None
        return outstanding[1].answered(response.is_valid, response.error)

    def _calls_of(self, service: str) -> Iterator[str]:
        kinds = [kind for kind, served in self._services.items() if served.name == service]
        return (i for i, (kind, _) in self._outstanding.items() if kind in kinds)

    def _wait(self, order: ChannelCommand, kind: ServiceKind) -> CommandAnswered | None:
        if self._services:
            (other, *_) = self._services
            return self._refusal(
                order,
                f'serves {other.value} only, but the specification asks for {kind.value}; '
                'set or clear serialized_api of its device type',
            )
        if len(self._waiting) >= MAX_WAITING:
            return self._refusal(
                order, 'is connected but does not serve commands: it has to advertise_service'
            )
        self._waiting.append(order)
        return None

    def _refusal(self, order: ChannelCommand, reason: str) -> CommandAnswered:
        return order.answered(False, f'the device with uid {self.uid} {reason}')


def command_request(
    command: Command,
) -> DeviceCommandRequest | SerializedDeviceCommandRequest:
    """Write a command as the request of its service."""
    if command.serialized is not None:
        return SerializedDeviceCommandRequest(
            command.cmd_id, command.serialized, command.function.name
        )
    fields = tuple(
        TypedField(field.name, field.type.value, text)
        for field, text in zip(command.function.arguments, command.arguments)
    )
    return DeviceCommandRequest(command.cmd_id, command.function.name, len(fields), fields)
