"""The sessions of a gateway: opens and closes them, and sends commands to their devices."""

from __future__ import annotations

from collections.abc import Callable

from ..dispatch.commands import Command
from ..dispatch.events import CommandAnswered, LinkClosed
from .access import Access
from .advertised_service import ChannelCommand, Relay
from .device_descriptions import DeviceDescriptions
from .rate_limits import SessionLimits
from .session import Session
from .session_registry import SessionRegistry
from .subscriptions import PublishedMessage, Subscriptions


class Broker:
    """The sessions, which devices they serve, and which topics they subscribe to."""

    def __init__(self) -> None:
        self._devices: SessionRegistry[Session] = SessionRegistry()
        self._subscriptions = Subscriptions()
        self._descriptions = DeviceDescriptions()

    def open_session(
        self,
        access: Access | None,
        address: str,
        authenticate: Callable[[str], Access | None],
        wake: Callable[[], None],
        limits: SessionLimits,
        now: float,
    ) -> Session:
        """Return the session of a new connection; see Session."""
        return Session(
            self._devices,
            self._subscriptions,
            self._descriptions,
            access,
            address,
            authenticate,
            wake,
            limits,
            now,
        )

    def close_session(self, session: Session) -> list[LinkClosed]:
        """Remove a session that has ended; returns the devices that it served."""
        self._subscriptions.remove_all(session)
        return session.close_channels()

    def is_wanted(self, topic: str) -> bool:
        """Return whether messages of a topic must be published; may be called from any thread."""
        return self._subscriptions.is_wanted(topic)

    def command(self, command: Command, relay: Relay | None = None) -> list[CommandAnswered]:
        """Send a command to its device; returns its refusal if it cannot be sent."""
        outgoing = ChannelCommand(command, relay)
        session = self._devices.session(command.uid)
        if session is None:
            error = f'the device with uid {command.uid} has lost its connection'
            return outgoing.answered(False, error)
        return session.command(outgoing)

    def withdraw(self, uid: int, cmd_id: int | None = None) -> None:
        """Do not send a command that still waits; None: all those of the device manager."""
        session = self._devices.session(uid)
        if session is not None:
            session.channels[uid].withdraw(cmd_id)

    def publish(
        self, topic: str, message: PublishedMessage, now: float, is_latched: bool = False
    ) -> None:
        """Send a message to the subscribers of its topic, also to late ones if it is latched."""
        self._subscriptions.publish(topic, message, now, is_latched)

    def forget_samples(self, uid: int) -> None:
        """Drop the latched samples of a device that was disconnected."""
        self._subscriptions.latched.forget_device(uid)
