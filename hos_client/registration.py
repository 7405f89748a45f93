"""Telling the platform which devices there are, and that they are alive."""

from __future__ import annotations

import asyncio
import logging

from hos_device_layer.core.rosbridge.frames import Frame, ServiceResponse, Sync

from .device import Device, hash_of
from .gateway_session import Line, RefusedError, within
from .message import Message
from .pools import DeviceManagerInterface
from .wire import error_of, leave_frames, ping_text, serve_frames

_log = logging.getLogger(__name__)

# For the device manager to answer when a line is new [s].
_GREETING_S = 10.0

# Descriptions in one frame: it stays well below what a gateway takes.
_DESCRIPTIONS = 100

OK = Message(200)
NO_UID = Message(422, 'the device has no uid, so it cannot be connected')


class Registration:
    """
    The devices of a client, as the platform knows them.

    On a new line the sets are compared by one hash, and only what differs is described; then
    every device is connected, but for those that the program has disconnected.
    """

    def __init__(
        self, devices: DeviceManagerInterface, client_name: str, ping_interval_s: float
    ) -> None:
        self._devices = devices
        self._client_name = client_name
        self._ping_interval_s = ping_interval_s
        self._disconnected: set[str] = set()
        self._sync_count = 0
        self._by_uid: dict[int, Device] = {}
        self.refresh()

    def refresh(self) -> None:
        """Take note that the set of devices has changed."""
        self._by_uid = {d.uid: d for d in self._devices.devices() if d.uid is not None}

    def device(self, uid: int) -> Device | None:
        """Return the device that takes commands for a uid."""
        device = self._by_uid.get(uid)
        return None if device is None or device.id in self._disconnected else device

    async def greet(self, line: Line) -> None:
        """Make a new line know everything; raises TimeoutError."""
        devices = self._devices.devices()
        await within(_GREETING_S, self._sync_all(line, devices))
        present = [d for d in devices if d.id not in self._disconnected and d.uid is not None]
        answers = await within(
            _GREETING_S, asyncio.gather(*(self._connect(line, device) for device in present))
        )
        for device, answer in zip(present, answers):
            if not answer:
                _log.warning('%s is not connected: %s', device.id, answer.payload)

    async def attend(self, line: Line) -> None:
        """Give signs of life, spread over the interval, until the line ends."""
        while True:
            uids = [uid for uid in self._by_uid if self.device(uid) is not None]
            for uid in uids:
                await line.send_text(ping_text(uid))
                await asyncio.sleep(self._ping_interval_s / len(uids))
            if not uids:
                await asyncio.sleep(self._ping_interval_s)

    async def add(self, line: Line, device: Device) -> Message:
        """Describe and connect a device."""
        self._disconnected.discard(device.id)
        await self._sync(line, Sync(update=(device.describe(),)))
        return await self._connect(line, device)

    async def update(self, line: Line, device: Device) -> Message:
        """Describe a device anew."""
        return await self._sync(line, Sync(update=(device.describe(),)))

    def keep_away(self, device_id: str) -> None:
        """Connect a device no more, until it is added again."""
        self._disconnected.add(device_id)

    async def leave(self, line: Line, device: Device) -> Message:
        """Disconnect a device; the platform still knows it."""
        if device.uid is not None:
            await line.send(leave_frames(device.uid))
            await line.confirm()
        return OK

    async def delete(self, line: Line, device: Device) -> Message:
        """Disconnect a device and let the platform forget it."""
        await self.leave(line, device)
        return await self._sync(line, Sync(remove=(device.id,)))

    async def _connect(self, line: Line, device: Device) -> Message:
        if device.uid is None:
            return NO_UID
        try:
            answer = await line.ask(serve_frames(device.uid))
        except RefusedError as error:
            return Message(403, str(error))
        assert isinstance(answer, ServiceResponse)
        error_text = error_of(answer.values, answer.result)
        return OK if error_text is None else Message(409, error_text)

    async def _sync_all(self, line: Line, devices: list[Device]) -> None:
        try:
            theirs = await self._ask_sync(line, Sync(hash=hash_of(devices)))
            if theirs is None:
                return
            ours = {device.id: device for device in devices}
            differing = [d for d in devices if theirs.get(d.id) != d.hash]
            removed = tuple(theirs.keys() - ours.keys())
            if removed:
                await self._ask_sync(line, Sync(remove=removed))
            for start in range(0, len(differing), _DESCRIPTIONS):
                some = differing[start : start + _DESCRIPTIONS]
                await self._ask_sync(line, Sync(update=tuple(d.describe() for d in some)))
        except RefusedError as error:
            # A server that knows no descriptions, and says so: the devices connect all the same.
            _log.info('this server takes no descriptions of devices: %s', error)

    async def _sync(self, line: Line, frame: Sync) -> Message:
        try:
            await self._ask_sync(line, frame)
        except RefusedError as error:
            return Message(501, str(error))
        return OK

    async def _ask_sync(self, line: Line, frame: Sync) -> dict[str, str] | None:
        """Return the hashes that the gateway has, or None if its set has the hash we sent."""
        self._sync_count += 1
        question: Frame = Sync(
            id=f'sync:{self._sync_count}',
            client=self._client_name,
            hash=frame.hash,
            update=frame.update,
            remove=frame.remove,
        )
        answer = await line.ask([question])
        assert isinstance(answer, Sync)
        return answer.devices
