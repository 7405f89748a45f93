"""
The descriptions that client programs send of their devices, connected or not.

A client keeps these descriptions up to date with the op `sync`, an extension of the protocol: it
sends the hash of its set of devices; the gateway answers with its own hash, and with the hash of
each device where the sets differ, so that only the differences have to be sent. Other servers
answer this op with an error, and a client continues without it.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping

from ..text import shortened
from .frames import DeviceDescription, FrameError, Sync

# Devices of one client, and the totals; the client with the oldest update is forgotten first.
_MAX_DEVICES = 2_000
_MAX_CLIENTS = 1_000
_MAX_DEVICES_IN_ALL = 20_000


def device_hash(device_id: str, device_type: str, name: str, tags: Mapping[str, str]) -> str:
    """Return the SHA-1 over id, type, name and each tag's id and text, in the tags' order."""
    parts = [device_id, device_type, name]
    for tag_id, tag in tags.items():
        parts += (tag_id, tag)
    return _sha1(parts)


def set_hash(device_hashes: Iterable[str]) -> str:
    """Return the SHA-1 over the sorted hashes of a set of devices."""
    return _sha1(sorted(device_hashes))


class DeviceDescriptions:
    """The descriptions of devices, by the token and the name of the client that sent them."""

    def __init__(self) -> None:
        self._clients: OrderedDict[tuple[str, str], dict[str, DeviceDescription]] = OrderedDict()
        self._by_uid: dict[int, DeviceDescription] = {}

    def text(self, uid: int) -> str:
        """Return a device's description for log messages and errors; '' if there is none."""
        description = self._by_uid.get(uid)
        if description is None:
            return ''
        name = shortened(description.name or description.id)
        return f'{name}, type {shortened(description.type)}' if description.type else name

    def sync(self, token_name: str, frame: Sync) -> Sync:
        """Apply a client's changes and return the answer to the frame; raises FrameError."""
        if not frame.client:
            raise FrameError('a sync frame requires the name of the client')
        key = token_name, frame.client
        devices = self._clients.setdefault(key, {})
        self._clients.move_to_end(key)
        for device_id in frame.remove:
            self._forget(devices.pop(device_id, None))
        for device in frame.update:
            if device.id not in devices and len(devices) >= _MAX_DEVICES:
                raise FrameError(f'a client may describe at most {_MAX_DEVICES} devices')
            self._forget(devices.get(device.id))
            devices[device.id] = device
            if device.uid is not None:
                self._by_uid[device.uid] = device
        self._forget_oldest()
        hashes = {d.id: device_hash(d.id, d.type, d.name, d.tags) for d in devices.values()}
        own = set_hash(hashes.values())
        return Sync(
            id=frame.id,
            client=frame.client,
            hash=own,
            devices=None if own == frame.hash else hashes,
        )

    def _forget(self, device: DeviceDescription | None) -> None:
        uid = None if device is None else device.uid
        if uid is not None and self._by_uid.get(uid) is device:
            del self._by_uid[uid]

    def _forget_oldest(self) -> None:
        count = sum(len(devices) for devices in self._clients.values())
        while count > _MAX_DEVICES_IN_ALL or len(self._clients) > _MAX_CLIENTS:
            _, forgotten = self._clients.popitem(last=False)
            count -= len(forgotten)
            for device in forgotten.values():
                self._forget(device)


def _sha1(parts: Iterable[str]) -> str:
    digest = hashlib.sha1(usedforsecurity=False)
    for part in parts:
        digest.update(part.encode('utf-8', 'surrogatepass'))
    return digest.hexdigest()
