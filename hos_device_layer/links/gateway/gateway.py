"""The way to devices without ROS, and the door for their callers; knows nothing of ROS."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from ...core.dispatch.commands import Command
from ...core.rosbridge import Broker, Published, ServiceCall, Session, SessionEvent
from ...core.rosbridge.events import (
    ApiCalled,
    CommandAnswered,
    ConnectCalled,
    ConnectedDevicesCalled,
    DeviceLost,
    Pinged,
    ResultReported,
    StreamSampled,
)
from ...core.rosbridge.frames import DeviceDescription
from ...core.rosbridge.messages import (
    ConnectDeviceResponse,
    ConnectionInfo,
    DeviceAPICallResponse,
    DeviceConnectionInfosResponse,
    TypedField,
)
from ..link import DeviceEvents
from .downloads import HostFiles
from .mailbox import Mailbox
from .server import GatewayServer
from .settings import GatewaySettings

_log = logging.getLogger(__name__)


class Callers(Protocol):
    """What the device manager does for callers. Called on the executor's thread."""

    def api_call(
        self, device_id: str, function_name: str, args: Sequence[TypedField]
    ) -> DeviceAPICallResponse:
        """Start a call, or refuse it."""

    def connected_devices(self) -> Sequence[ConnectionInfo]:
        """Return the devices that are connected now."""


class Gateway:
    """
    The way to devices behind WebSockets; callers and listeners come in by the same door.

    Everything but the sockets happens on the executor's thread, to which `wake_executor` hands a
    function to run. Construction raises GatewayError where the gateway cannot listen. Answers to
    commands that were sent with a `relay` go to `on_relay_answered`, not to `events`.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        events: DeviceEvents,
        callers: Callers,
        wake_executor: Callable[[Callable[[], None]], object],
        on_relay_answered: Callable[[int, bool, str], None] | None = None,
    ) -> None:
        self._events = events
        self._callers = callers
        self._on_relay_answered = on_relay_answered
        self._switchboard = Broker()
        self._to_executor = Mailbox(wake_executor)
        self.downloads = HostFiles()
        self._server = GatewayServer(
            settings, self._switchboard, self._report, self._to_executor, self.downloads
        )
        self.port = self._server.start()

    def stop(self) -> None:
        """Close every connection."""
        self._server.stop()

    # Devices

    def send(self, command: Command, relay: int | None = None) -> None:
        """Send a command; its answer comes back as an event."""
        self._server.call(functools.partial(self._send, command, relay))

    def reaches(self, uid: int) -> bool:
        """Return whether a device's socket is here; may be asked from any thread."""
        return self._switchboard.holds(uid)

    # Listeners

    def publish(self, topic: str, message: Published) -> None:
        """Send a message to the peers that subscribe to a topic, if there are any."""
        if self._switchboard.is_wanted(topic):
            self._server.call(
                functools.partial(self._switchboard.publish, topic, message, time.monotonic())
            )

    def is_wanted(self, topic: str) -> bool:
        """Return whether anybody listens to a topic."""
        return self._switchboard.is_wanted(topic)

    def known_devices(self) -> list[DeviceDescription]:
        """Return what client programs have told about their devices."""
        return self._server.ask(self._switchboard.rosters.devices)

    # On the server's thread

    def _send(self, command: Command, relay: int | None) -> None:
        for event in self._switchboard.command(command, relay):
            self._report(None, event)

    def _report(self, session: Session | None, event: SessionEvent) -> None:
        self._to_executor.put(functools.partial(self._apply, session, event))

    # On the executor's thread

    def _apply(self, session: Session | None, event: SessionEvent) -> None:
        match event:
            case Pinged(uid):
                self._events.ping(uid)
            case StreamSampled(uid, stream_name, data):
                self._events.stream_sample(uid, stream_name, data)
            case CommandAnswered(cmd_id, is_valid, error, None):
                self._events.command_answered(cmd_id, is_valid, error)
            case CommandAnswered(_, is_valid, error, relay):
                assert relay is not None and self._on_relay_answered is not None
                self._on_relay_answered(relay, is_valid, error)
            case ResultReported():
                self._events.command_result(*event)
            case DeviceLost(uid):
                self._events.connection_closed(uid)
            case ConnectCalled(uid, call):
                success, error = self._events.connect(uid)
                self._answer(session, call, ConnectDeviceResponse(success, error))
            case ApiCalled(device_id, function_name, args, call):
                answer = self._callers.api_call(device_id, function_name, args)
                self._answer(session, call, answer)
            case ConnectedDevicesCalled(call):
                infos = tuple(self._callers.connected_devices())
                self._answer(session, call, DeviceConnectionInfosResponse(infos))

    def _answer(
        self,
        session: Session | None,
        call: ServiceCall,
        values: ConnectDeviceResponse | DeviceAPICallResponse | DeviceConnectionInfosResponse,
    ) -> None:
        assert session is not None  # Calls come from peers.
        self._server.call(functools.partial(session.answer, call, values))
