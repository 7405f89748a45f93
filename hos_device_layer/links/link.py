"""The two sides of a link: what it does for the device manager, and what it reports to it."""

from __future__ import annotations

from typing import Protocol

from ..core.dispatch.commands import Command
from ..core.spec.records import FleetDevice, Stream


class Link(Protocol):
    """One way to reach devices. Called on the executor's thread; nothing here may block."""

    def open(self, device: FleetDevice, serialized: bool, streams: list[Stream]) -> None:
        """Make what a connected device needs; calling it again changes nothing."""

    def send(self, command: Command) -> None:
        """Send a command; its answer comes back as `DeviceEvents.command_answered`."""

    def forget(self, uid: int, cmd_id: int) -> None:
        """Take note that a command has ended: its answer is no longer awaited."""

    def close(self, uid: int) -> None:
        """Free what `open` made; commands on their way are forgotten."""

    def reaches(self, uid: int) -> bool:
        """Return whether the link knows a way to a device, opened or not."""


class DeviceEvents(Protocol):
    """
    What devices do, as a link reports it.

    Called on the executor's thread. `uid` is that of the device the link has proven it to be.
    """

    def connect(self, uid: int) -> tuple[bool, str]:
        """Take a device's `connect`; returns success and the error."""

    def ping(self, uid: int) -> None:
        """Take a sign of life."""

    def connection_closed(self, uid: int) -> None:
        """Take note that the way to a device is gone: it times out at once."""

    def command_answered(self, cmd_id: int, is_valid: bool, error: str) -> None:
        """Take a device's acceptance or refusal of a command."""

    def command_result(
        self, uid: int, cmd_id: int, success: bool, error: str, result_str: str
    ) -> None:
        """Take what a device reports at a command's end."""

    def stream_sample(self, uid: int, stream_name: str, data: str) -> None:
        """Take a sample of a device's stream."""
