"""
The descriptions that client programs send of their devices, connected or not.

A client keeps these descriptions up to date with the op `sync`, an extension of the protocol: it
sends the hash of its set of devices; the gateway answers with its own hash, and with the hash of
each device where the sets differ, so that only the differences have to be sent. Other servers
answer this op with an error, and a client continues without it.

The tags of a device are not kept, only their hash. Descriptions belong to an owner, who changes
only its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ..text import shortened
from .access import Access
from .frames import MAX_DEVICES_OF_FRAME, DeviceDescription, FrameError, Sync

# Devices of one client: as many as one connection may serve.
MAX_DEVICES = MAX_DEVICES_OF_FRAME

# Of one owner; its client with the oldest update is forgotten first.
MAX_CLIENTS = 100
MAX_DEVICES_OF_OWNER = 4_000

# Of all owners: 20 MB at the most. Anonymous owners are forgotten first, the largest of them.
MAX_DEVICES_IN_ALL = 20_000

# How many devices are hashed and listed in the time that another frame takes [1].
_DEVICES_PER_FRAME = 8


def device_hash(device_id: str, device_type: str, name: str, tags: Mapping[str, str]) -> str:
    """Return the SHA-1 over id, type, name and each tag's id and text, in the tags' order."""
    parts = [device_id, device_type, name]
    for tag_id, tag in tags.items():
        parts += (tag_id, tag)
    return _sha1(parts)


def set_hash(device_hashes: Iterable[str]) -> str:
    """Return the SHA-1 over the sorted hashes of a set of devices."""
    return _sha1(sorted(device_hashes))


class DescriptionOwner(NamedTuple):
    """Whose descriptions these are: the name of a token, or an address where there is none."""

    name: str
    is_trusted: bool


def owner_of(access: Access, address: str) -> DescriptionOwner:
    """Return the owner of the descriptions that a peer sends."""
    return DescriptionOwner(access.name or address, access.is_authenticated or access.may_read)


class _Described:
    """What is kept of a description; compared by identity."""

    __slots__ = ('hash', 'id', 'name', 'type', 'uid')

    def __init__(self, device: DeviceDescription) -> None:
        self.id = device.id
        self.type = device.type
        self.name = device.name
        self.uid = device.uid
        self.hash = device_hash(device.id, device.type, device.name, device.tags)

    def text(self) -> str:
        name = shortened(self.name or self.id)
        return f'{name}, type {shortened(self.type)}' if self.type else name


class _Client:
    """The devices of one client, and the hash of their set."""

    def __init__(self) -> None:
        self.devices: dict[str, _Described] = {}
        self._hash = ''

    def hash(self) -> str:
        self._hash = self._hash or set_hash(device.hash for device in self.devices.values())
        return self._hash

    def changed(self) -> None:
        self._hash = ''

    def check(self, frame: Sync) -> None:
        """Check that there is room for the changes of a frame; raises FrameError."""
        if len(self.devices) + len(frame.update) <= MAX_DEVICES:
            return
        ids = self.devices.keys() - frame.remove | {device.id for device in frame.update}
        if len(ids) > MAX_DEVICES:
            raise FrameError(f'a client may describe at most {MAX_DEVICES} devices')


class _Descriptions:
    """The clients of one owner, the one with the oldest update first."""

    def __init__(self) -> None:
        self.count = 0
        self._clients: dict[str, _Client] = {}
        self._by_uid: dict[int, _Described] = {}

    def text(self, uid: int) -> str:
        described = self._by_uid.get(uid)
        return '' if described is None else described.text()

    def client(self, name: str) -> _Client:
        return self._clients.get(name) or _Client()

    def apply(self, client: _Client, frame: Sync) -> None:
        for device_id in frame.remove:
            self._remove(client, device_id)
        for device in frame.update:
            self._remove(client, device.id)
            client.devices[device.id] = described = _Described(device)
            self.count += 1
            if described.uid is not None:
                self._by_uid[described.uid] = described
        client.changed()
        # At the end: it is the latest one now.
        self._clients.pop(frame.client, None)
        if client.devices:
            self._clients[frame.client] = client
        self._forget_oldest()

    def _remove(self, client: _Client, device_id: str) -> None:
        described = client.devices.pop(device_id, None)
        if described is None:
            return
        self.count -= 1
        if described.uid is not None and self._by_uid.get(described.uid) is described:
            del self._by_uid[described.uid]

    def _forget_oldest(self) -> None:
        while self.count > MAX_DEVICES_OF_OWNER or len(self._clients) > MAX_CLIENTS:
            oldest = self._clients.pop(next(iter(self._clients)))
            for device_id in list(oldest.devices):
                self._remove(oldest, device_id)


class DeviceDescriptions:
    """The descriptions of devices, by their owner and the name of the client that sent them."""

    def __init__(self) -> None:
        self._owners: dict[DescriptionOwner, _Descriptions] = {}
        self._count = 0

    def text(self, owner: DescriptionOwner, uid: int) -> str:
        """Return an owner's description of a device for log messages and errors; '' for none."""
        descriptions = self._owners.get(owner)
        return '' if descriptions is None else descriptions.text(uid)

    def sync(self, owner: DescriptionOwner, frame: Sync) -> tuple[Sync, float]:
        """
        Apply a client's changes; raises FrameError.

        Returns the answer to the frame, and as how many frames it counts.
        """
        if not frame.client:
            raise FrameError('a sync frame requires the name of the client')
        descriptions = self._owners.get(owner) or _Descriptions()
        client = descriptions.client(frame.client)
        if frame.update or frame.remove:
            self._apply(owner, descriptions, client, frame)
        own = client.hash()
        if own != frame.hash:
            listed = {device_id: device.hash for device_id, device in client.devices.items()}
        elif frame.update or frame.remove:
            listed = None
        else:
            return Sync(id=frame.id, client=frame.client, hash=own), 1.0
        answer = Sync(id=frame.id, client=frame.client, hash=own, devices=listed)
        return answer, 1.0 + _handled(client, frame) / _DEVICES_PER_FRAME

    def _apply(
        self,
        owner: DescriptionOwner,
        descriptions: _Descriptions,
        client: _Client,
        frame: Sync,
    ) -> None:
        client.check(frame)
        self._count -= descriptions.count
        descriptions.apply(client, frame)
        self._count += descriptions.count
        # At the end: of owners with as many devices, the one with the oldest update goes first.
        self._owners.pop(owner, None)
        if descriptions.count:
            self._owners[owner] = descriptions
        while self._count > MAX_DEVICES_IN_ALL:
            self._count -= self._owners.pop(max(self._owners, key=self._dispensability)).count

    def _dispensability(self, owner: DescriptionOwner) -> tuple[bool, int]:
        return not owner.is_trusted, self._owners[owner].count


def _handled(client: _Client, frame: Sync) -> int:
    return len(client.devices) + len(frame.update) + len(frame.remove)


def _sha1(parts: Iterable[str]) -> str:
    digest = hashlib.sha1(usedforsecurity=False)
    for part in parts:
        digest.update(part.encode('utf-8', 'surrogatepass'))
    return digest.hexdigest()
