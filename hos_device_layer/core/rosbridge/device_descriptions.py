"""
The devices that client programs have told the gateway about, connected or not.

A client keeps the gateway's picture of its devices up to date by an op of ours, `sync`: it sends
the hash of its set; the gateway answers with its own, and with the hash of each device where the
sets differ, so that only what differs has to be sent. Other servers answer this op with an error,
and a client goes on without it.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping

from .frames import DeviceDescription, FrameError, Sync

# Devices of one client, and what is remembered in all; the longest unheard is forgotten first.
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
    """The sets of devices, by the token and the name of the client that told them."""

    def __init__(self) -> None:
        self._rosters: OrderedDict[tuple[str, str], dict[str, DeviceDescription]] = OrderedDict()

    def devices(self) -> list[DeviceDescription]:
        """Return all devices that clients know."""
        return [device for roster in self._rosters.values() for device in roster.values()]

    def sync(self, token_name: str, frame: Sync) -> Sync:
        """Take what a client tells, and return what the gateway has now; raises FrameError."""
        if not frame.client:
            raise FrameError('a sync frame needs the name of the client')
        key = token_name, frame.client
        roster = self._rosters.setdefault(key, {})
        self._rosters.move_to_end(key)
        for device_id in frame.remove:
            roster.pop(device_id, None)
        for device in frame.update:
            if device.id not in roster and len(roster) >= _MAX_DEVICES:
                raise FrameError(f'a client may have {_MAX_DEVICES} devices')
            roster[device.id] = device
        self._forget_oldest()
        hashes = {d.id: device_hash(d.id, d.type, d.name, d.tags) for d in roster.values()}
        own = set_hash(hashes.values())
        return Sync(
            id=frame.id,
            client=frame.client,
            hash=own,
            devices=None if own == frame.hash else hashes,
        )

    def _forget_oldest(self) -> None:
        count = sum(len(roster) for roster in self._rosters.values())
        while count > _MAX_DEVICES_IN_ALL or len(self._rosters) > _MAX_CLIENTS:
            _, forgotten = self._rosters.popitem(last=False)
            count -= len(forgotten)


def _sha1(parts: Iterable[str]) -> str:
    digest = hashlib.sha1(usedforsecurity=False)
    for part in parts:
        digest.update(part.encode('utf-8', 'surrogatepass'))
    return digest.hexdigest()
