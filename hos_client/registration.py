"""Registers the devices of a client with the platform and sends their pings."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from weakref import WeakValueDictionary

from hos_device_layer.core.rosbridge.frames import Frame, ServiceResponse, Sync

from .concurrency import within
from .descriptions import removals, updates
from .device import Device, hash_of
from .gateway_session import GatewaySession, RefusedError
from .local_devices import LocalDevices
from .message import Message
from .wire import connect_frames, disconnect_frames, error_of, ping

_log = logging.getLogger(__name__)

# Limit of each step in which a new session is synchronized [s].
_SYNC_TIMEOUT_S = 10.0

OK = Message(200)
NO_UID = Message(422, 'the device has no uid, so it cannot be connected')
SUPERSEDED = Message(409, 'superseded by a later change of this device')

# Sends a change of a device on a session.
Change = Callable[[GatewaySession, Device], Awaitable[Message]]


class Registration:
    """
    Keeps the platform's view of a client's devices up to date.

    On a new session both sides compare one hash of all devices, and only devices that differ are
    described. Then every device is connected, except those that the program has disconnected.
    Changes of one device are sent one after the other; one that no longer holds is not sent.
    """

    def __init__(self, local: LocalDevices, client_name: str, ping_interval_s: float) -> None:
        self._local = local
        self._client_name = client_name
        self._ping_interval_s = ping_interval_s
        self._changing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    # New sessions

    async def synchronize(self, session: GatewaySession) -> None:
        """Describe and connect the devices on a new session; raises TimeoutError."""
        self._local.refresh()
        devices = self._local.check_all(session.max_frame_bytes)
        if session.is_hos:
            await within(_SYNC_TIMEOUT_S, self._sync_all(session, devices))
        await within(_SYNC_TIMEOUT_S, self._connect_all(session))

    async def _connect_all(self, session: GatewaySession) -> None:
        connected: dict[int, Device] = {}
        # The program may change its devices meanwhile, and not wait until it can be sent.
        while new := self._to_connect(connected):
            connected.update(new)
            answers = await asyncio.gather(*(self._connect(session, d) for d in new.values()))
            for device, answer in zip(new.values(), answers):
                if not answer:
                    _log.warning('%s is not connected: %s', device.id, answer.payload)
        for uid in connected:
            if self._local.by_uid(uid) is None:
                await session.send(disconnect_frames(uid))

    def _to_connect(self, connected: Iterable[int]) -> dict[int, Device]:
        devices = {uid: self._local.by_uid(uid) for uid in self._local.uids}
        return {
            uid: device
            for uid, device in devices.items()
            if device is not None and uid not in connected
        }

    async def send_pings(self, session: GatewaySession) -> None:
        """Send pings, spread over the interval, until the session ends."""
        while True:
            uids = self._local.uids
            for uid in uids:
                # It may have been disconnected since: a ping would connect it again.
                if self._local.by_uid(uid) is not None:
                    await session.publish(ping(uid))
                await asyncio.sleep(self._ping_interval_s / len(uids))
            if not uids:
                await asyncio.sleep(self._ping_interval_s)

    # Changes

    async def change(
        self, session: Callable[[], Awaitable[GatewaySession]], change: Change, device: Device
    ) -> Message:
        """Send a change of a device after the earlier ones, as soon as there is a session."""
        lock = self._changing.setdefault(device.id, asyncio.Lock())
        async with lock:
            try:
                return await change(await session(), device)
            except RefusedError as error:
                return Message(403, str(error))

    async def add(self, session: GatewaySession, device: Device) -> Message:
        """Describe and connect a device."""
        answer = await self._describe(session, device)
        if not answer:
            return answer
        if self._local.is_deleted(device.id) or self._local.is_excluded(device.id):
            return SUPERSEDED
        return await self._connect(session, self._local.latest(device))

    async def update(self, session: GatewaySession, device: Device) -> Message:
        """Describe a device that has changed; connect it if it was left out before."""
        if self._local.is_left_out(device.id) and not self._local.is_excluded(device.id):
            return await self.add(session, device)
        return await self._describe(session, device)

    async def disconnect(self, session: GatewaySession, device: Device) -> Message:
        """Disconnect a device; the platform still knows it."""
        if not (self._local.is_excluded(device.id) or self._local.is_deleted(device.id)):
            return SUPERSEDED
        await self._disconnect(session, device)
        return OK

    async def delete(self, session: GatewaySession, device: Device) -> Message:
        """Disconnect a device and remove it from the platform."""
        if not self._local.is_deleted(device.id):
            return SUPERSEDED
        await self._disconnect(session, device)
        for frame in removals((device.id,), session.max_frame_bytes):
            await self._sync(session, frame)
        return OK

    async def _describe(self, session: GatewaySession, device: Device) -> Message:
        if self._local.is_deleted(device.id):
            return SUPERSEDED
        own = self._local.latest(device)
        problem = self._local.check(own, session.max_frame_bytes)
        if problem is not None:
            return problem
        for frame in updates((own,), session.max_frame_bytes):
            await self._sync(session, frame)
        return OK

    async def _connect(self, session: GatewaySession, device: Device) -> Message:
        if device.uid is None:
            return NO_UID
        try:
            # Two requests for one device may wait at the same time.
            frames = connect_frames(device.uid, session.next_id('connect'))
            answer = await session.request(frames, ServiceResponse)
        except RefusedError as error:
            return Message(403, str(error))
        error_text = error_of(answer.values, answer.result)
        return OK if error_text is None else Message(409, error_text)

    async def _disconnect(self, session: GatewaySession, device: Device) -> None:
        if device.uid is not None:
            await session.send(disconnect_frames(device.uid))
            await session.confirm()

    # Descriptions

    async def _sync_all(self, session: GatewaySession, devices: Sequence[Device]) -> None:
        try:
            theirs = await self._sync(session, Sync(hash=hash_of(devices)))
            if theirs is None:
                return
            ours = {device.id for device in devices}
            differing = [device for device in devices if theirs.get(device.id) != device.hash]
            for frame in removals(sorted(theirs.keys() - ours), session.max_frame_bytes):
                await self._sync(session, frame)
            for frame in updates(differing, session.max_frame_bytes):
                await self._sync(session, frame)
        except RefusedError as error:
            # The devices are connected without descriptions.
            _log.warning('the gateway refused the descriptions of the devices: %s', error)

    async def _sync(self, session: GatewaySession, frame: Sync) -> dict[str, str] | None:
        """Return the gateway's hashes by device id, or None if its set has the hash we sent."""
        if not session.is_hos:
            return None
        request: Frame = Sync(
            id=session.next_id('sync'),
            client=self._client_name,
            hash=frame.hash,
            update=frame.update,
            remove=frame.remove,
        )
        return (await session.request([request], Sync)).devices
