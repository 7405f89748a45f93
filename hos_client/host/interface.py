"""What detects devices: subclass Interface."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

from .detected import Info


class Interface(ABC):
    """
    Finds the devices of one kind of connection.

    `get_devices` runs on a thread of its own, every `_loop_delay` seconds; 0 means once. What
    appeared and disappeared is found by comparing what it returns.
    """

    connection_type: ClassVar[str] = ''
    _loop_delay: float = 3.0

    @abstractmethod
    def get_devices(self) -> Mapping[str, Info]:
        """
        Return what is there now: what is known about each device, by an identifier.

        The info of a device that stays stays the same. Two keys of it are read by the host:
        `names`, the texts by which the fleet's `serial_info` may name the device, the most
        specific first; and `uid`, if the device tells its own.
        """

    def close(self) -> None:  # noqa: B027 (most have nothing to close)
        """Free what the interface holds; called once, when it is no longer needed."""


class Changes(NamedTuple):
    """Identifiers by what happened; a device that was replaced disappeared and appeared."""

    appeared: tuple[str, ...]
    disappeared: tuple[str, ...]


def compare(before: Mapping[str, Info], now: Mapping[str, Info]) -> Changes:
    """Return what has changed between two looks."""
    return Changes(
        tuple(key for key, info in now.items() if key not in before or before[key] != info),
        tuple(key for key, info in before.items() if key not in now or now[key] != info),
    )
