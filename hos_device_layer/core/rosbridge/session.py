"""A peer's conversation with the gateway: frames in; events for the manager and frames out."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from .access import Access
from .device_channel import ChannelCommand, DeviceChannel
from .events import (
    ApiCalled,
    CommandAnswered,
    ConnectCalled,
    ConnectedDevicesCalled,
    Pinged,
    ResultReported,
    ServiceCall,
    SessionEvent,
    StreamSampled,
)
from .frames import (
    Advertise,
    AdvertiseService,
    Auth,
    CallService,
    Frame,
    FrameError,
    FrameId,
    Publish,
    ServiceResponse,
    SetLevel,
    Status,
    Subscribe,
    Sync,
    Unadvertise,
    UnadvertiseService,
    Unsubscribe,
    decode,
    encode,
    raw,
    salvage,
)
from .messages import (
    ConnectDeviceRequest,
    DeviceAPICallRequest,
    DeviceCommandResult,
    DeviceStream,
    UidMessage,
    decode_message,
    read_answer,
)
from .names import (
    ServiceKind,
    TopicKind,
    TopicName,
    check_type,
    understand_service,
    understand_topic,
)
from .rate_limits import SessionLimits, TokenBucket

if TYPE_CHECKING:
    from .broker import Broker


class CloseReason(NamedTuple):
    """Why a conversation has to end, for the WebSocket's close frame (RFC 6455 section 7.4)."""

    code: int
    reason: str


TOO_SLOW = CloseReason(1013, 'this peer reads more slowly than it asked to be told')
TOO_MANY_ERRORS = CloseReason(4429, 'too many frames that cannot be accepted')
WRONG_TOKEN = CloseReason(4401, 'the token is not valid')
REPLACED = CloseReason(4409, 'a newer session of the same device has taken over')

# What waits for a peer in memory before it is cut off [characters]: seconds of a busy stream.
MAX_UNSENT = 1_000_000


class Session:
    """
    One peer, from its handshake to its close; never used again after `close`.

    `access` is None until the peer has shown a token; `authenticate` takes one. `wake` is called
    when there is something in `outgoing`, or `closing` has been set.
    """

    def __init__(
        self,
        switchboard: Broker,
        access: Access | None,
        address: str,
        authenticate: Callable[[str], Access | None],
        wake: Callable[[], None],
        limits: SessionLimits,
        now: float,
    ) -> None:
        self.access = access
        self.address = address
        self.closing: CloseReason | None = None
        self.outgoing: deque[str] = deque()
        self.seats: dict[int, DeviceChannel] = {}
        self.subscription_count = 0
        self._switchboard = switchboard
        self._authenticate = authenticate
        self._wake = wake
        self._limits = limits
        self._unsent = 0
        self._unanswered_calls = 0
        self._errors = TokenBucket(limits.errors, limits.errors_per_s, now)
        self._frames = TokenBucket(limits.frames, limits.frames_per_s, now)

    def receive(self, text: str, now: float) -> list[SessionEvent]:
        """Take a frame from the peer; whatever it holds, nothing is raised."""
        try:
            frame = decode(text)
        except FrameError as error:
            self.refuse(*salvage(text), str(error), now)
            return []
        try:
            return self._handle(frame)
        except FrameError as error:
            service = frame.service if isinstance(frame, CallService) else None
            self.refuse(frame.id, service, str(error), now)
            return []

    def read_delay(self, now: float) -> float:
        """Return how long [s] to leave the next frame unread; a flood is slowed down by this."""
        return self._frames.take(now)

    def refuse(self, frame_id: FrameId, service: str | None, reason: str, now: float) -> None:
        """Tell the peer why a frame is not accepted, and end the session that collects these."""
        if service is not None:
            self.send(
                ServiceResponse(id=frame_id, service=service, values=raw(reason), result=False)
            )
        self.send(Status(id=frame_id, level='error', msg=reason))
        if self._errors.take(now) > 0:
            self.close(TOO_MANY_ERRORS)

    def answer(self, call: ServiceCall, values: msgspec.Struct) -> None:
        """Answer a call of the peer."""
        self._unanswered_calls -= 1
        self.send(
            ServiceResponse(id=call.id, service=call.service, values=raw(values), result=True)
        )

    def command(self, order: ChannelCommand) -> list[CommandAnswered]:
        """Send a command to a device behind this peer; returns its refusal, if it is one."""
        outcome = self.seats[order.command.uid].command(order)
        if isinstance(outcome, CallService):
            self.send(outcome)
        return [outcome] if isinstance(outcome, CommandAnswered) else []

    def send(self, frame: Frame) -> None:
        """Queue a frame for the peer."""
        self.send_text(encode(frame))

    def send_text(self, text: str) -> None:
        """Queue a frame that is written already."""
        if self.closing is not None:
            return
        self.outgoing.append(text)
        self._unsent += len(text)
        if self._unsent > MAX_UNSENT:
            self.outgoing.clear()
            self.close(TOO_SLOW)
        elif len(self.outgoing) == 1:
            self._wake()

    def next_text(self) -> str:
        """Take the next frame out of `outgoing`."""
        text = self.outgoing.popleft()
        self._unsent -= len(text)
        return text

    def close(self, why: CloseReason) -> None:
        """Ask for the end of the conversation; the first reason counts."""
        if self.closing is None:
            self.closing = why
            self._wake()

    def _handle(self, frame: Frame) -> list[SessionEvent]:
        if self.closing is not None:
            return []
        if isinstance(frame, Auth):
            self._take_token(frame)
            return []
        if self.access is None:
            raise FrameError('this gateway asks for a token; send it in an auth frame first')
        match frame:
            case Publish():
                return self._publish(frame)
            case ServiceResponse():
                return self._take_answer(frame)
            case CallService():
                return self._call(frame)
            case AdvertiseService():
                return self._advertise_service(frame)
            case UnadvertiseService():
                return self._unadvertise_service(frame)
            case Subscribe():
                self._subscribe(frame)
            case Unsubscribe():
                self._switchboard.unsubscribe(self, frame.topic, frame.id)
            case Advertise():
                # A peer may publish without; this only tells it early what would be refused.
                topic = understand_topic(frame.topic)
                check_type(frame.type, topic.kind)
                self._check_publisher(topic)
                if topic.uid is not None:
                    self._check_identity(topic.uid)
            case Unadvertise():
                understand_topic(frame.topic)
            case Sync():
                self._sync(frame)
            case Status() | SetLevel():
                pass
        return []

    def _take_token(self, frame: Auth) -> None:
        if self.seats:
            # What these seats were given to would no longer be who speaks.
            raise FrameError('a token comes before anything else')
        access = self._authenticate(frame.token or frame.mac)
        if access is None:
            self.close(WRONG_TOKEN)
        else:
            self.access = access

    def _publish(self, frame: Publish) -> list[SessionEvent]:
        topic = understand_topic(frame.topic)
        self._check_publisher(topic)
        if topic.kind is TopicKind.PING:
            uid = decode_message(frame.msg, UidMessage).data
            self._act_for(uid)
            return [Pinged(uid)]
        if topic.kind is TopicKind.COMMAND_RESULT:
            result = decode_message(frame.msg, DeviceCommandResult)
            self._act_for(result.uid)
            return [ResultReported(*msgspec.structs.astuple(result))]
        sample = decode_message(frame.msg, DeviceStream)
        if sample.uid != topic.uid:
            raise FrameError(f'the sample is of uid {sample.uid}, the topic of uid {topic.uid}')
        self._act_for(sample.uid)
        return [StreamSampled(sample.uid, topic.stream, sample.data)]

    def _check_publisher(self, topic: TopicName) -> None:
        if not topic.kind.comes_from_devices:
            raise FrameError(f'{topic.name} is published by the device manager alone')

    def _take_answer(self, frame: ServiceResponse) -> list[SessionEvent]:
        response = read_answer(frame.values, frame.result)
        for seat in self._seats_for(frame):
            if answered := seat.answer(frame.id, frame.service, response):
                return [answered]
        raise FrameError('this answers no command that is waiting for an answer of this device')

    def _seats_for(self, frame: ServiceResponse) -> list[DeviceChannel]:
        # Nearly always the service tells the device; a few clients leave it out.
        try:
            uid = understand_service(frame.service).uid
        except FrameError:
            return list(self.seats.values())
        return [seat] if uid is not None and (seat := self.seats.get(uid)) else []

    def _call(self, frame: CallService) -> list[SessionEvent]:
        service = understand_service(frame.service)
        if self._unanswered_calls >= self._limits.outstanding_calls:
            raise FrameError(f'{self._unanswered_calls} calls wait for answers; call more slowly')
        event = self._understand_call(service.kind, frame)
        self._unanswered_calls += 1
        return [event]

    def _understand_call(self, kind: ServiceKind, frame: CallService) -> SessionEvent:
        assert self.access is not None
        call = ServiceCall(frame.id, frame.service)
        if kind is ServiceKind.CONNECT:
            uid = decode_message(frame.args, ConnectDeviceRequest).uid
            self._sit(uid)
            return ConnectCalled(uid, call)
        if kind is ServiceKind.API_CALL:
            if not self.access.may_call:
                raise FrameError('calling functions of devices takes a token of role operator')
            request = decode_message(frame.args, DeviceAPICallRequest)
            return ApiCalled(request.device_id, request.function_name, request.args, call)
        if kind is ServiceKind.CONNECTED_DEVICES:
            if not self.access.may_read:
                raise FrameError('reading takes a token of role operator or viewer')
            return ConnectedDevicesCalled(call)
        raise FrameError('a device takes commands from the device manager alone; use api_call')

    def _advertise_service(self, frame: AdvertiseService) -> list[SessionEvent]:
        uid, kind = self._own_service(frame.service)
        check_type(frame.type, kind)
        answers, calls = self._sit(uid).advertise(kind, frame.service)
        for call in calls:
            self.send(call)
        return [*answers]

    def _unadvertise_service(self, frame: UnadvertiseService) -> list[SessionEvent]:
        uid, kind = self._own_service(frame.service)
        seat = self.seats.get(uid)
        if seat is None:
            return []
        refusals = seat.unadvertise(kind)
        if seat.serves:
            return [*refusals]
        # A device that serves nothing cannot be reached, so it is as good as gone.
        return [*refusals, *self._switchboard.vacate(uid, self)]

    def _own_service(self, name: str) -> tuple[int, ServiceKind]:
        service = understand_service(name)
        if service.uid is None:
            raise FrameError(f'{service.name} is served by the device manager alone')
        self._check_identity(service.uid)
        return service.uid, service.kind

    def _subscribe(self, frame: Subscribe) -> None:
        assert self.access is not None
        topic = understand_topic(frame.topic)
        check_type(frame.type, topic.kind)
        if not topic.kind.can_be_subscribed:
            raise FrameError(f'{topic.name} is for the device manager alone')
        if not self.access.may_read:
            raise FrameError('subscribing takes a token of role operator or viewer')
        if frame.compression != 'none':
            raise FrameError('the gateway does not compress messages; leave compression out')
        if self.subscription_count >= self._limits.subscriptions:
            raise FrameError(f'a peer may have {self._limits.subscriptions} subscriptions')
        self._switchboard.subscribe(self, topic.name, frame)

    def _sync(self, frame: Sync) -> None:
        assert self.access is not None
        for device in frame.update:
            if device.uid is not None:
                self._check_identity(device.uid)
        self.send(self._switchboard.rosters.sync(self.access.name, frame))

    def _check_identity(self, uid: int) -> None:
        if self.access is None or not self.access.may_be(uid):
            raise FrameError(
                f'this peer is not the device with uid {uid}, and a device acts for its own '
                'uid alone'
            )

    def _sit(self, uid: int) -> DeviceChannel:
        """Take a device's seat, from an older session of the same device if need be."""
        return self._seat(uid, self._switchboard.claim)

    def _act_for(self, uid: int) -> DeviceChannel:
        """Take a device's seat if it is free: only registering or serving replaces a session."""
        return self._seat(uid, self._switchboard.occupy)

    def _seat(self, uid: int, take: Callable[[int, Session], None]) -> DeviceChannel:
        if seat := self.seats.get(uid):
            return seat
        self._check_identity(uid)
        if len(self.seats) >= self._limits.devices:
            raise FrameError(f'a peer may be {self._limits.devices} devices')
        take(uid, self)
        seat = self.seats[uid] = DeviceChannel(uid, self._limits.outstanding_calls)
        return seat
