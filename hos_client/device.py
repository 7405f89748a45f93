"""The devices of a program, with their tags and hashes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from hos_device_layer.core.rosbridge.device_descriptions import device_hash, set_hash
from hos_device_layer.core.rosbridge.frames import DeviceDescription

from .errors import DeviceError

_MAX_UID = 2**32 - 1


class Device:
    """
    A device; may be subclassed. The name and the tags may change, the rest is fixed.

    `uid` is the device's number in the fleet's table. A device without one can be stored and
    compared, but not connected.
    """

    def __init__(
        self,
        id: str,  # noqa: A002 (the name that users read everywhere)
        type: str,  # noqa: A002
        name: str,
        uid: int | None = None,
    ) -> None:
        if uid is not None and not 0 <= uid <= _MAX_UID:
            raise DeviceError(f'{id!r}: uid: expected 0 to {_MAX_UID}, got {uid}')
        self._id = id
        self._type = type
        self._uid = uid
        self._tags: dict[str, str] = {}
        self.name = name

    @property
    def id(self) -> str:
        """The `device_id` of the fleet."""
        return self._id

    @property
    def type(self) -> str:
        """The device type."""
        return self._type

    @property
    def uid(self) -> int | None:
        """The number of the device in the fleet's table, None if it has none."""
        return self._uid

    @property
    def tags(self) -> Mapping[str, str]:
        """The tags by tag id, in the order in which they were added."""
        return MappingProxyType(self._tags)

    def add_tag(self, tag_id: str, tag: str) -> None:
        """Add a tag; raises DeviceError if the id exists."""
        if tag_id in self._tags:
            raise DeviceError(f'{self.id!r} already has a tag {tag_id!r}; use change_tag')
        self._tags[tag_id] = tag

    def change_tag(self, tag_id: str, tag: str) -> None:
        """Change a tag and keep its position; raises DeviceError if the id does not exist."""
        self._check_tag(tag_id)
        self._tags[tag_id] = tag

    def remove_tag(self, tag_id: str) -> None:
        """Remove a tag; raises DeviceError if the id does not exist."""
        self._check_tag(tag_id)
        del self._tags[tag_id]

    addTag = add_tag  # noqa: N815 (both spellings are promised)
    changeTag = change_tag  # noqa: N815
    removeTag = remove_tag  # noqa: N815

    @property
    def hash(self) -> str:
        """SHA-1 over id, type, name and the id and text of each tag."""
        return device_hash(self.id, self.type, self.name, self._tags)

    def describe(self) -> DeviceDescription:
        """Return the description that is sent to the platform."""
        return DeviceDescription(self.id, self.type, self.name, self.uid, dict(self._tags))

    def __repr__(self) -> str:
        return f'{type(self).__name__}({self.id!r}, {self.type!r}, {self.name!r}, uid={self.uid})'

    def _check_tag(self, tag_id: str) -> None:
        if tag_id not in self._tags:
            known = ', '.join(self._tags) or 'none'
            raise DeviceError(f'{self.id!r} has no tag {tag_id!r}; existing tags: {known}')


def hash_of(devices: Iterable[Device]) -> str:
    """Return the SHA-1 over the sorted hashes of devices; the order does not matter."""
    return set_hash(device.hash for device in devices)
