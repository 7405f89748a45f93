"""A device that a session serves: its services, and the commands on their way to it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator

from ..dispatch.calls import TypedField
from ..dispatch.commands import Command
from ..dispatch.events import CommandAnswered, ResultReported
from .advertised_service import AdvertisedService, ChannelCommand, Relay
from .frames import CallService, FrameId, encode, raw
from .messages import (
    DeviceCommandRequest,
    DeviceCommandResponse,
    SerializedDeviceCommandRequest,
)
from .names import ServiceKind

# A client may register before it advertises its services. This many commands wait for that.
MAX_WAITING = 100

# How many commands may be sent and not settled. What is in the buffer of a device that does not
# read cannot be withdrawn, so at most this many are executed late. It is enough for 3,200 calls/s
# to a device that answers within 10 ms.
WINDOW = 32

# How many results are awaited, of relayed commands and of others; the oldest are given up.
MAX_AWAITED = 1_000

# A command entitles the device to two frames, its answer and its result.
_FRAMES_PER_COMMAND = 2


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


class DeviceChannel:
    """
    One device of a session; `send` queues a call for its peer.

    Each command leads to one `CommandAnswered`, unless its result comes before, it is withdrawn,
    or the channel is closed. Relayed commands are always answered. No two commands may have the
    same `cmd_id`.
    """

    def __init__(
        self, uid: int, max_outstanding: int, send: Callable[[OutgoingCall], object]
    ) -> None:
        self.uid = uid
        self._max_outstanding = max_outstanding
        self._send = send
        self._services: dict[ServiceKind, AdvertisedService] = {}
        # The latest withdrawn service of each kind: answers to it may still arrive.
        self._former: dict[ServiceKind, AdvertisedService] = {}
        # By cmd_id: what waits for `advertise`, then for the window, then in the session's queue.
        self._waiting: OrderedDict[int, ChannelCommand] = OrderedDict()
        self._held: OrderedDict[int, ChannelCommand] = OrderedDict()
        self._queued: OrderedDict[int, ChannelCommand] = OrderedDict()
        # Commands that were withdrawn after the device was last heard: it may not have read them.
        self._unread = 0
        self._expected_frames = 0
        # The commands whose results are awaited; None for those of the device manager.
        self._awaited: OrderedDict[int, Relay | None] = OrderedDict()

    @property
    def serves(self) -> bool:
        """Whether the device has advertised a service."""
        return bool(self._services)

    # Services

    def advertise(self, kind: ServiceKind, name: str) -> list[CommandAnswered]:
        """Record a service and send what waits for it; returns refusals of older commands."""
        answers = self.unadvertise(kind)
        former = self._former.get(kind)
        self._services[kind] = AdvertisedService(name, former.highest_number if former else 0)
        waiting, self._waiting = self._waiting, OrderedDict()
        for command in waiting.values():
            answers += self.command(command)
        return answers

    def unadvertise(self, kind: ServiceKind) -> list[CommandAnswered]:
        """Forget a service; returns refusals of the commands that it has not answered."""
        service = self._services.pop(kind, None)
        if service is None:
            return []
        self._former[kind] = service
        refused = service.abandon()
        for commands in (self._queued, self._held):
            refused += _take(commands, lambda command: _kind(command) is kind)
        self._fill_window()
        error = (
            f'the device with uid {self.uid} withdrew its service before it answered; it may '
            'execute the command'
        )
        return [answer for command in refused for answer in self._answered(command, False, error)]

    def close(self, error: str) -> None:
        """
        Give up all commands, but not the services: the channel can be used again.

        Relayed commands are answered. The others may have reached the device and still count.
        """
        self.withdraw()
        relayed = [*self._waiting.values(), *self._held.values(), *self._queued.values()]
        for commands in (self._waiting, self._held, self._queued):
            commands.clear()
        for service in self._services.values():
            relayed += service.abandon()
        for command in relayed:
            self._answered(command, False, error)

    # Commands

    def command(self, command: ChannelCommand) -> list[CommandAnswered]:
        """Send a command as soon as possible; returns its refusal if it is refused."""
        kind = _kind(command)
        if kind not in self._services:
            return self._wait(command, kind)
        unanswered = self._in_flight() + len(self._held)
        if unanswered >= self._max_outstanding:
            return self._refusal(
                command, f'has {unanswered} unanswered commands; call more slowly'
            )
        self._held[command.command.cmd_id] = command
        self._fill_window()
        return []

    def sent(self, call: OutgoingCall) -> CallService | None:
        """Give a queued call its id, because it is sent now; None if it was withdrawn."""
        command = call.command
        if self._queued.get(command.command.cmd_id) is not command:
            return None
        del self._queued[command.command.cmd_id]
        service = self._services[call.kind]
        self._await_result(command)
        return CallService(id=service.send(command), service=service.name, args=call.args)

    def withdraw(self, cmd_id: int | None = None) -> None:
        """Give up a command that nobody waits for; None: all those of the device manager."""

        def is_meant(command: ChannelCommand) -> bool:
            return command.relay is None if cmd_id is None else command.command.cmd_id == cmd_id

        for commands in (self._waiting, self._held, self._queued):
            if cmd_id is None:
                _take(commands, is_meant)
            else:
                commands.pop(cmd_id, None)
        for service in self._services.values():
            self._unread += service.withdraw(is_meant)
        self._fill_window()

    # What the device sends

    def heard(self) -> None:
        """Record that the device has sent something: it is not stuck."""
        if self._unread:
            self._unread = 0
            self._fill_window()

    def takes_expected_frame(self) -> bool:
        """Return whether the device still owes answers or results; counts a frame as one."""
        if not self._expected_frames:
            return False
        self._expected_frames -= 1
        return True

    def answer(
        self, call_id: FrameId, service_name: str, response: DeviceCommandResponse
    ) -> list[CommandAnswered] | None:
        """
        Match an answer of the device with its command; None if it answers no command.

        The list is empty if the command was answered before, or is a relayed one whose result was
        its answer.
        """
        service = next(self._services_of_answer(call_id, service_name), None)
        if service is None:
            return None
        command = service.take_answer(call_id)
        self._fill_window()
        if command is None:
            return []
        return self._answered(command, response.is_valid, response.error)

    def awaits_result(self, cmd_id: int) -> bool:
        """Whether a command was sent whose result has not been reported."""
        return cmd_id in self._awaited

    def report(self, result: ResultReported) -> list[ResultReported]:
        """Settle a command; passes the result of a relayed one on, or returns it as an event."""
        settled = [service.settle(result.cmd_id) for service in self._services.values()]
        relay = self._awaited.pop(result.cmd_id, None)
        self._fill_window()
        if relay is None:
            return [result]
        if any(settled):
            relay.answered(True, '')
        relay.reported(result)
        return []

    # Parts

    def _in_flight(self) -> int:
        return sum(map(len, self._services.values())) + len(self._queued)

    def _fill_window(self) -> None:
        while self._held and self._in_flight() + self._unread < WINDOW:
            cmd_id, command = self._held.popitem(last=False)
            self._queued[cmd_id] = command
            self._send(OutgoingCall(self, _kind(command), command))

    def _await_result(self, command: ChannelCommand) -> None:
        most_frames = _FRAMES_PER_COMMAND * self._max_outstanding
        self._expected_frames = min(self._expected_frames + _FRAMES_PER_COMMAND, most_frames)
        self._awaited[command.command.cmd_id] = command.relay
        if len(self._awaited) > MAX_AWAITED:
            self._awaited.popitem(last=False)

    def _services_of_answer(self, call_id: FrameId, name: str) -> Iterator[AdvertisedService]:
        for services in (self._services, self._former):
            for service in services.values():
                if service.has_sent(call_id, name):
                    yield service

    def _answered(
        self, command: ChannelCommand, is_valid: bool, error: str
    ) -> list[CommandAnswered]:
        if not is_valid:
            self._awaited.pop(command.command.cmd_id, None)
        return command.answered(is_valid, error)

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
        self._waiting[command.command.cmd_id] = command
        return []

    def _refusal(self, command: ChannelCommand, reason: str) -> list[CommandAnswered]:
        return command.answered(False, f'the device with uid {self.uid} {reason}')


def _kind(command: ChannelCommand) -> ServiceKind:
    serialized = command.command.serialized is not None
    return ServiceKind.SERIALIZED_COMMAND if serialized else ServiceKind.COMMAND


def _take(
    commands: dict[int, ChannelCommand], is_meant: Callable[[ChannelCommand], bool]
) -> list[ChannelCommand]:
    """Remove the commands that are meant and return them."""
    return [commands.pop(i) for i in [i for i, c in commands.items() if is_meant(c)]]


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
