"""Interfaces discover devices: subclass Interface."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

from .detected import Info


class Interface(ABC):
    """
    Discovers the devices of one connection type.

    `get_devices` runs on a thread of its own, every `_loop_delay` seconds; 0 means once. The host
    compares the results to find devices that appeared or disappeared.
    """

    connection_type: ClassVar[str] = ''
    _loop_delay: float = 3.0

    @abstractmethod
    def get_devices(self) -> Mapping[str, Info]:
        """
        Return the devices that are present now: the info of each one by an identifier.

        The info of a device must not change while it is present. The host reads two keys:
        `names`, the names that match the fleet's `serial_info`, the most specific first; and
        `uid`, if the device reports one.
        """

    def close(self) -> None:  # noqa: B027 (most have nothing to close)
        """Release resources; called once, when the interface is no longer needed."""


class Changes(NamedTuple):
    """The identifiers that appeared and disappeared; a replaced device is in both."""

    appeared: tuple[str, ...]
    disappeared: tuple[str, ...]


def compare(before: Mapping[str, Info], now: Mapping[str, Info]) -> Changes:
    """Return the changes between two results of `get_devices`."""
    return Changes(
        tuple(key for key, info in now.items() if key not in before or before[key] != info),
        tuple(key for key, info in before.items() if key not in now or now[key] != info),
    )
