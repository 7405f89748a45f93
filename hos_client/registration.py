"""Registers the devices of a client with the platform and sends their pings."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence

from hos_device_layer.core.rosbridge.frames import (
    DeviceDescription,
    Frame,
    ServiceResponse,
    Sync,
    encode,
)

from .concurrency import within
from .device import Device, hash_of
from .gateway_session import GatewaySession, RefusedError
from .guarding import report_exception
from .message import Message
from .pools import DeviceManagerInterface
from .wire import connect_frames, disconnect_frames, error_of, ping

_log = logging.getLogger(__name__)

# Limit of each step in which a new session is synchronized [s].
_SYNC_TIMEOUT_S = 10.0

# Part of the largest frame that the descriptions in one frame may fill.
_FRAME_FRACTION = 0.5

OK = Message(200)
NO_UID = Message(422, 'the device has no uid, so it cannot be connected')


class Registration:
    """
    Keeps the platform's view of a client's devices up to date.

    On a new session both sides compare one hash of all devices, and only devices that differ are
    described. Then every device is connected, except those that the program has disconnected.
    """

    def __init__(
        self, devices: DeviceManagerInterface, client_name: str, ping_interval_s: float
    ) -> None:
        self._devices = devices
        self._client_name = client_name
        self._ping_interval_s = ping_interval_s
        self._disconnected: set[str] = set()
        self._by_uid: dict[int, Device] = {}
        self._known: list[Device] = []
        self._read()

    def refresh(self) -> None:
        """Read the devices again, because they have changed; if that fails, keep those known."""
        try:
            self._read()
        except BaseException as error:
            report_exception('the devices could not be read', error)

    def _read(self) -> None:
        self._known = list(self._devices.devices())
        self._by_uid = {d.uid: d for d in self._known if d.uid is not None}

    def device(self, uid: int) -> Device | None:
        """Return the device that accepts commands for a uid, None if there is none."""
        device = self._by_uid.get(uid)
        return None if device is None or device.id in self._disconnected else device

    async def synchronize(self, session: GatewaySession) -> None:
        """Describe and connect the devices on a new session; raises TimeoutError."""
        self.refresh()
        if session.is_hos:
            await within(_SYNC_TIMEOUT_S, self._sync_all(session, self._known))
        present = [device for uid in self._by_uid if (device := self.device(uid)) is not None]
        answers = await within(
            _SYNC_TIMEOUT_S,
            asyncio.gather(*(self._connect(session, device) for device in present)),
        )
        for device, answer in zip(present, answers):
            if not answer:
                _log.warning('%s is not connected: %s', device.id, answer.payload)

    async def send_pings(self, session: GatewaySession) -> None:
        """Send pings, spread over the interval, until the session ends."""
        while True:
            uids = list(self._by_uid)
            for uid in uids:
                # It may have been disconnected since: a ping would connect it again.
                if self.device(uid) is not None:
                    await session.publish(ping(uid))
                await asyncio.sleep(self._ping_interval_s / len(uids))
            if not uids:
                await asyncio.sleep(self._ping_interval_s)

    async def add(self, session: GatewaySession, device: Device) -> Message:
        """Describe and connect a device."""
        self._disconnected.discard(device.id)
        await self._sync(session, Sync(update=(device.describe(),)))
        return await self._connect(session, device)

    async def update(self, session: GatewaySession, device: Device) -> Message:
        """Describe a device that has changed."""
        return await self._sync(session, Sync(update=(device.describe(),)))

    def exclude(self, device_id: str) -> None:
        """Do not connect a device until it is added again."""
        self._disconnected.add(device_id)

    async def disconnect(self, session: GatewaySession, device: Device) -> Message:
        """Disconnect a device; the platform still knows it."""
        if device.uid is not None:
            await session.send(disconnect_frames(device.uid))
            await session.confirm()
        return OK

    async def delete(self, session: GatewaySession, device: Device) -> Message:
        """Disconnect a device and remove it from the platform."""
        await self.disconnect(session, device)
        return await self._sync(session, Sync(remove=(device.id,)))

    async def _connect(self, session: GatewaySession, device: Device) -> Message:
        if device.uid is None:
            return NO_UID
        try:
            # Two requests for one device may wait at the same time.
            answer = await session.request(connect_frames(device.uid, session.next_id('connect')))
        except RefusedError as error:
            return Message(403, str(error))
        assert isinstance(answer, ServiceResponse)
        error_text = error_of(answer.values, answer.result)
        return OK if error_text is None else Message(409, error_text)

    async def _sync_all(self, session: GatewaySession, devices: Sequence[Device]) -> None:
        try:
            theirs = await self._request_sync(session, Sync(hash=hash_of(devices)))
            if theirs is None:
                return
            ours = {device.id: device for device in devices}
            differing = [d.describe() for d in devices if theirs.get(d.id) != d.hash]
            removed = tuple(theirs.keys() - ours.keys())
            if removed:
                await self._request_sync(session, Sync(remove=removed))
            limit = int(session.max_frame_bytes * _FRAME_FRACTION)
            for descriptions in _batches(differing, limit):
                await self._request_sync(session, Sync(update=descriptions))
        except RefusedError as error:
            # The devices are connected without descriptions.
            _log.warning('the gateway refused the descriptions of the devices: %s', error)

    async def _sync(self, session: GatewaySession, frame: Sync) -> Message:
        if not session.is_hos:
            return OK
        try:
            await self._request_sync(session, frame)
        except RefusedError as error:
            return Message(403, str(error))
        return OK

    async def _request_sync(self, session: GatewaySession, frame: Sync) -> dict[str, str] | None:
        """Return the gateway's hashes by device id, or None if its set has the hash we sent."""
        request: Frame = Sync(
            id=session.next_id('sync'),
            client=self._client_name,
            hash=frame.hash,
            update=frame.update,
            remove=frame.remove,
        )
        answer = await session.request([request])
        assert isinstance(answer, Sync)
        return answer.devices


def _batches(
    descriptions: Sequence[DeviceDescription], max_bytes: int
) -> Iterator[tuple[DeviceDescription, ...]]:
    """Split descriptions so that each part fits into a frame."""
    batch: list[DeviceDescription] = []
    size = 0
    for description in descriptions:
        bytes_of_one = len(encode(Sync(update=(description,))).encode('utf-8', 'replace'))
        if batch and size + bytes_of_one > max_bytes:
            yield tuple(batch)
            batch, size = [], 0
        batch.append(description)
        size += bytes_of_one
    if batch:
        yield tuple(batch)
