"""The devices of one session: those that it serves, and those that another session serves now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic

from ..dispatch.events import LinkClosed
from .device_channel import DeviceChannel, OutgoingCall
from .frames import FrameError
from .names import parse_service
from .rate_limits import SessionLimits
from .session_registry import SessionRegistry, SessionT

_CONNECTION_LOST = 'the device has lost its connection'


class SessionDevices(Generic[SessionT]):
    """
    The channels of a session, by uid; `send` queues a call for its peer.

    A device is displaced when another session claims it. Its channel keeps the services that the
    peer advertised: when the other session has ended, the device returns with its next ping.
    """

    def __init__(
        self,
        registry: SessionRegistry[SessionT],
        session: SessionT,
        limits: SessionLimits,
        send: Callable[[OutgoingCall], object],
    ) -> None:
        self.channels: dict[int, DeviceChannel] = {}
        self._displaced: dict[int, DeviceChannel] = {}
        self._registry = registry
        self._session = session
        self._limits = limits
        self._send = send

    def claimed(self, uid: int) -> DeviceChannel:
        """Return a device's channel; takes it from another session, or raises FrameError."""
        return self.channels.get(uid) or self._take(uid, self._registry.claim)

    def own(self, uid: int) -> DeviceChannel | None:
        """
        Return a device's channel, or None if the device is displaced.

        Raises FrameError if another session serves the device and this one never did.
        """
        channel = self.channels.get(uid)
        if channel is None:
            if uid in self._displaced and self._registry.session(uid) is not None:
                return None
            channel = self._take(uid, self._registry.claim_if_free)
        channel.heard()
        return channel

    def known(self, uid: int) -> DeviceChannel | None:
        """Return the channel of a device, also if it is displaced; None if there is none."""
        return self.channels.get(uid) or self._displaced.get(uid)

    def all_known(self) -> Iterator[DeviceChannel]:
        """Iterate over the channels of all devices, also of those that are displaced."""
        yield from self.channels.values()
        yield from self._displaced.values()

    def addressed(self, service: str) -> list[DeviceChannel]:
        """Return the channels of the devices that an answer to a service may be from."""
        # Nearly always the service names the device; a few clients leave it out.
        try:
            uid = parse_service(service).uid
        except FrameError:
            return list(self.all_known())
        channel = None if uid is None else self.known(uid)
        return [] if channel is None else [channel]

    def displace(self, uid: int) -> None:
        """Stop serving a device: another session serves it."""
        # Commands it has not answered may have reached the device: their results still count,
        # and the device manager's time limits end the others.
        channel = self._displaced[uid] = self.channels.pop(uid)
        channel.close(_CONNECTION_LOST)

    def release_unserved(self, uid: int) -> list[LinkClosed]:
        """Stop serving a device that has no services: it cannot be reached."""
        channel = self.channels.get(uid)
        if channel is None or channel.serves:
            return []
        # Answers to commands that it has received may still arrive.
        self.displace(uid)
        self._registry.release(uid, self._session)
        return [LinkClosed(uid)]

    def close(self) -> list[LinkClosed]:
        """Stop serving every device; returns the devices that are lost."""
        lost = [
            LinkClosed(uid) for uid in self.channels if self._registry.release(uid, self._session)
        ]
        for channel in self.all_known():
            channel.close(_CONNECTION_LOST)
        self.channels.clear()
        self._displaced.clear()
        return lost

    def _take(self, uid: int, take: Callable[[int, SessionT], None]) -> DeviceChannel:
        if uid not in self._displaced:
            self._make_room()
        take(uid, self._session)
        channel = self._displaced.pop(uid, None)
        if channel is None:
            channel = DeviceChannel(uid, self._limits.outstanding_calls, self._send)
        self.channels[uid] = channel
        return channel

    def _make_room(self) -> None:
        if len(self.channels) + len(self._displaced) < self._limits.devices:
            return
        unserved = next((uid for uid, c in self._displaced.items() if not c.serves), None)
        if unserved is None:
            raise FrameError(f'a peer may serve at most {self._limits.devices} devices')
        del self._displaced[unserved]
