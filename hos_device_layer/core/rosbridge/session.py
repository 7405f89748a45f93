"""The session of a peer: frames in; events for the device manager and frames out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec

from ..dispatch.events import (
    CallRequested,
    CommandAnswered,
    ConnectRequested,
    DevicesRequested,
    LinkClosed,
    Pinged,
    RequestEvent,
    ResultReported,
    StreamSampled,
)
from .access import Access
from .advertised_service import ChannelCommand
from .close_reasons import REPLACED, TOO_MANY_ERRORS, TOO_SLOW, WRONG_TOKEN, CloseReason
from .compression import check_compression
from .device_channel import DeviceChannel
from .device_descriptions import DeviceDescriptions, owner_of
from .events import Confirmation, Request, ServiceCall, SessionEvent, traceable
from .frames import (
    Advertise,
    AdvertiseService,
    Auth,
    CallService,
    Confirm,
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
    decode_request,
    read_answer,
)
from .names import (
    ServiceKind,
    TopicKind,
    check_publisher,
    check_type,
    parse_service,
    parse_topic,
)
from .outgoing import LateFrame, OutgoingFrames
from .rate_limits import MAX_AUTH_CHARACTERS, SessionLimits, TokenBucket, frame_cost
from .session_devices import SessionDevices
from .session_registry import SessionRegistry
from .subscriptions import Subscriptions

# A peer is disconnected if this much is unsent [characters]: seconds of a busy stream.
MAX_UNSENT = 1_000_000

_AUTH_FIRST = (
    'this gateway requires a token; send it first, in an auth frame of at most '
    f'{MAX_AUTH_CHARACTERS:,} characters'
)

_Handler: TypeAlias = 'Callable[[Session, Any], list[SessionEvent]]'


class Session:
    """
    One peer, from its handshake to its close; not used again after `close`.

    `access` is None until the peer has sent a valid token; `authenticate` checks one. `wake` is
    called when `outgoing` is no longer empty, or `closing` has been set.
    """

    def __init__(
        self,
        devices: SessionRegistry[Session],
        subscriptions: Subscriptions,
        descriptions: DeviceDescriptions,
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
        self.outgoing = OutgoingFrames()
        self.subscription_count = 0
        self._own = SessionDevices(devices, self, limits, self._queue)
        self.channels = self._own.channels
        self._subscriptions = subscriptions
        self._descriptions = descriptions
        self._authenticate = authenticate
        self._wake = wake
        self._limits = limits
        self._unanswered_calls = 0
        self._errors = TokenBucket(limits.errors, limits.errors_per_s, now)
        self._is_used = False  # whether a frame was handled with this access
        self._frame_cost = 1.0  # as how many frames the latest one counts
        self._frames = TokenBucket(limits.frames, limits.frames_per_s, now)

    def receive(self, text: str, now: float) -> list[SessionEvent]:
        """Handle a frame of the peer; never raises: an invalid frame is refused."""
        if self.closing is not None:
            return []
        self._frame_cost = frame_cost(text)
        if self.access is None and len(text) > MAX_AUTH_CHARACTERS:
            self.refuse(None, None, _AUTH_FIRST, now)
            return []
        try:
            frame = decode(text)
        except FrameError as error:
            self.refuse(*salvage(text), str(error), now)
            return []
        try:
            if not isinstance(frame, Auth):
                if self.access is None:
                    raise FrameError(_AUTH_FIRST)
                self._is_used = True
            return _HANDLERS[type(frame)](self, frame)
        except FrameError as error:
            service = frame.service if isinstance(frame, CallService) else None
            self.refuse(frame.id, service, str(error), now)
            return []

    def read_delay(self, now: float) -> float:
        """Return how long [s] to wait before the next frame is read; slows a flood down."""
        cost, self._frame_cost = self._frame_cost, 1.0
        return self._frames.take(now, cost)

    def refuse(self, frame_id: FrameId, service: str | None, reason: str, now: float) -> None:
        """Tell the peer why a frame is not accepted; close the session after too many of them."""
        if service is None:
            self.send(Status(id=frame_id, level='error', msg=reason))
        else:
            # Nothing else: some clients raise an exception when they receive a status.
            values = raw(reason)
            self.send(ServiceResponse(id=frame_id, service=service, values=values, result=False))
        if self._errors.take(now) > 0:
            self.close(TOO_MANY_ERRORS)

    def answer(self, call: ServiceCall, values: msgspec.Struct) -> None:
        """Answer a call of the peer."""
        self._unanswered_calls -= 1
        self.send(
            ServiceResponse(id=call.id, service=call.service, values=raw(values), result=True)
        )

    def command(self, command: ChannelCommand) -> list[CommandAnswered]:
        """Send a command to a device of this session; returns its refusal if it is refused."""
        return self.channels[command.command.uid].command(command)

    def send(self, frame: Frame) -> None:
        """Queue a frame for the peer."""
        self.send_text(encode(frame))

    def send_text(self, text: str | bytes) -> None:
        """Queue an encoded frame for the peer."""
        self._queue(text)

    def _queue(self, frame: str | bytes | LateFrame) -> None:
        if self.closing is not None:
            return
        self.outgoing.put(frame)
        if self.outgoing.unsent > MAX_UNSENT:
            self.outgoing.clear()
            self.close(TOO_SLOW)
        elif len(self.outgoing) == 1:
            self._wake()

    def close(self, reason: CloseReason) -> None:
        """Ask for the connection to be closed; the first reason counts."""
        if self.closing is None:
            self.closing = reason
            self._wake()

    def lose_channel(self, uid: int) -> None:
        """Stop serving a device: another session serves it."""
        self._own.displace(uid)
        if not self.channels and not self.subscription_count:
            self.close(REPLACED)

    def close_channels(self) -> list[LinkClosed]:
        """Stop serving every device; returns the devices that are lost."""
        return self._own.close()

    # Frames

    def _auth(self, frame: Auth) -> list[SessionEvent]:
        if self._is_used or (self.access is not None and self.access.is_authenticated):
            # What was accepted with the access that the peer had before would stay.
            raise FrameError('the token must be sent before any other frame')
        access = self._authenticate(frame.token or frame.mac)
        if access is None:
            self.close(WRONG_TOKEN)
        else:
            self.access = access
        return []

    def _advertise(self, frame: Advertise) -> list[SessionEvent]:
        # A peer may publish without advertising; here it is told earlier about errors.
        topic = parse_topic(frame.topic)
        check_type(frame.type, topic.kind)
        check_publisher(topic)
        if topic.uid is not None:
            self._check_identity(topic.uid)
        self._subscriptions.latched.advertise(topic, self, frame.latch)
        return []

    def _unadvertise(self, frame: Unadvertise) -> list[SessionEvent]:
        self._subscriptions.latched.unlatch(parse_topic(frame.topic).name, self)
        return []

    def _publish(self, frame: Publish) -> list[SessionEvent]:
        topic = parse_topic(frame.topic)
        check_publisher(topic)
        if topic.kind is TopicKind.PING:
            uid = decode_message(frame.msg, UidMessage).data
            # A ping of a displaced device is ignored; refusing it would count as an error.
            return [] if self._own_channel(uid) is None else [Pinged(uid)]
        if topic.kind is TopicKind.COMMAND_RESULT:
            return self._publish_result(frame)
        sample = decode_message(frame.msg, DeviceStream)
        if sample.uid != topic.uid:
            raise FrameError(f'the sample is of uid {sample.uid}, the topic of uid {topic.uid}')
        if self._own_channel(sample.uid) is None:
            return self._drop(frame.id, sample.uid)
        return traceable(frame.id, [StreamSampled(sample.uid, topic.stream, sample.data)])

    def _publish_result(self, frame: Publish) -> list[SessionEvent]:
        result = decode_message(frame.msg, DeviceCommandResult)
        channel = self._own_channel(result.uid) or self._own.known(result.uid)
        assert channel is not None
        if result.uid not in self.channels and not channel.awaits_result(result.cmd_id):
            return self._drop(frame.id, result.uid)
        self._count_as_expected(channel)
        reported = channel.report(ResultReported(*msgspec.structs.astuple(result)))
        return traceable(frame.id, reported)

    def _count_as_expected(self, channel: DeviceChannel) -> None:
        # What answers a command of ours is no flood.
        if channel.takes_expected_frame():
            self._frame_cost -= 1.0

    def _drop(self, frame_id: FrameId, uid: int) -> list[SessionEvent]:
        if frame_id is not None:
            reason = f'the device with uid {uid} is served by another session'
            self.send(Status(id=frame_id, level='error', msg=reason))
        return []

    def _service_response(self, frame: ServiceResponse) -> list[SessionEvent]:
        response = read_answer(frame.values, frame.result)
        for channel in self._own.addressed(frame.service):
            events = channel.answer(frame.id, frame.service, response)
            if events is not None:
                channel.heard()
                self._count_as_expected(channel)
                return [*events]
        raise FrameError('this answers no command that is waiting for an answer of this device')

    def _call_service(self, frame: CallService) -> list[SessionEvent]:
        service = parse_service(frame.service)
        if self._unanswered_calls >= self._limits.outstanding_calls:
            raise FrameError(f'{self._unanswered_calls} calls wait for answers; call more slowly')
        event = self._request(service.kind, frame)
        self._unanswered_calls += 1
        return [Request(event, ServiceCall(frame.id, frame.service))]

    def _request(self, kind: ServiceKind, frame: CallService) -> RequestEvent:
        assert self.access is not None
        if kind is ServiceKind.CONNECT:
            uid = decode_request(frame.args, ConnectDeviceRequest).uid
            self._claimed_channel(uid)
            owner = owner_of(self.access, self.address)
            return ConnectRequested(uid, self._descriptions.text(owner, uid))
        if kind is ServiceKind.API_CALL:
            if not self.access.may_call:
                raise FrameError('calling functions of devices requires a token of role operator')
            request = decode_request(frame.args, DeviceAPICallRequest)
            return CallRequested(request.device_id, request.function_name, request.args)
        if kind is ServiceKind.CONNECTED_DEVICES:
            if not self.access.may_read:
                raise FrameError('reading requires a token of role operator or viewer')
            return DevicesRequested()
        raise FrameError('only the device manager may send commands to devices; use api_call')

    def _advertise_service(self, frame: AdvertiseService) -> list[SessionEvent]:
        uid, kind = self._own_service(frame.service)
        check_type(frame.type, kind)
        return [*self._claimed_channel(uid).advertise(kind, frame.service)]

    def _unadvertise_service(self, frame: UnadvertiseService) -> list[SessionEvent]:
        uid, kind = self._own_service(frame.service)
        channel = self._own.known(uid)
        refusals = [] if channel is None else channel.unadvertise(kind)
        return [*refusals, *self._own.release_unserved(uid)]

    def _own_service(self, name: str) -> tuple[int, ServiceKind]:
        service = parse_service(name)
        if service.uid is None:
            raise FrameError(f'{service.name} is served by the device manager only')
        self._check_identity(service.uid)
        return service.uid, service.kind

    def _subscribe(self, frame: Subscribe) -> list[SessionEvent]:
        assert self.access is not None
        topic = parse_topic(frame.topic)
        check_type(frame.type, topic.kind)
        if not topic.kind.can_be_subscribed:
            raise FrameError(f'only the device manager may subscribe to {topic.name}')
        if not self.access.may_read:
            raise FrameError('subscribing requires a token of role operator or viewer')
        check_compression(frame.compression)
        if self.subscription_count >= self._limits.subscriptions:
            raise FrameError(f'a peer may have at most {self._limits.subscriptions} subscriptions')
        self._subscriptions.add(self, topic.name, frame)
        return []

    def _unsubscribe(self, frame: Unsubscribe) -> list[SessionEvent]:
        self._subscriptions.remove(self, frame.topic, frame.id)
        return []

    def _sync(self, frame: Sync) -> list[SessionEvent]:
        assert self.access is not None
        for device in frame.update:
            if device.uid is not None:
                self._check_identity(device.uid)
        owner = owner_of(self.access, self.address)
        answer, cost = self._descriptions.sync(owner, frame)
        self._frame_cost = max(self._frame_cost, cost)
        self.send(answer)
        return []

    def _confirm(self, frame: Confirm) -> list[SessionEvent]:
        return [Confirmation(frame.id)]

    def _ignore(self, _frame: Status | SetLevel) -> list[SessionEvent]:
        return []

    # Devices

    def _check_identity(self, uid: int) -> None:
        if self.access is None or not self.access.may_act_as(uid):
            raise FrameError(
                f'this peer is not the device with uid {uid}; a device may only act for its own '
                'uid'
            )

    def _claimed_channel(self, uid: int) -> DeviceChannel:
        if uid not in self.channels:
            self._check_identity(uid)
        return self._own.claimed(uid)

    def _own_channel(self, uid: int) -> DeviceChannel | None:
        if uid not in self.channels:
            self._check_identity(uid)
        return self._own.own(uid)


_HANDLERS: Mapping[type[Frame], _Handler] = {
    Auth: Session._auth,
    Advertise: Session._advertise,
    Unadvertise: Session._unadvertise,
    Publish: Session._publish,
    ServiceResponse: Session._service_response,
    CallService: Session._call_service,
    AdvertiseService: Session._advertise_service,
    UnadvertiseService: Session._unadvertise_service,
    Subscribe: Session._subscribe,
    Unsubscribe: Session._unsubscribe,
    Sync: Session._sync,
    Confirm: Session._confirm,
    Status: Session._ignore,
    SetLevel: Session._ignore,
}
