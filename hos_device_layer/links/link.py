"""The interface between the device manager and a link."""

from __future__ import annotations

from typing import Protocol

from ..core.dispatch.commands import Command
from ..core.dispatch.effects import (
    PublishConnectionEvent,
    PublishResult,
    PublishSample,
    Reply,
)
from ..core.dispatch.events import Event
from ..core.spec.records import FleetDevice, Stream

Publication = PublishResult | PublishConnectionEvent | PublishSample


class Handle(Protocol):
    """The type of `DeviceManager.handle_event`; must be called on the executor's thread."""

    def __call__(self, link: str, event: Event) -> Reply | None:
        """
        Handle an event that the link of this name reports.

        Returns the answer to a request; for another event, why it was dropped, or None.
        """


class Link(Protocol):
    """
    Connects devices and callers with the device manager over one protocol.

    Its methods are called on the executor's thread and must not block. Exceptions are logged; if
    `send` raises, the task of the command fails.
    """

    def open(self, device: FleetDevice, serialized: bool, streams: tuple[Stream, ...]) -> None:
        """Create what a connected device needs; adapt it if it exists."""

    def close(self, uid: int) -> None:
        """Free what `open` created; commands that still wait are withdrawn."""

    def send(self, command: Command) -> None:
        """Send a command, or hold it until it can be sent."""

    def withdraw(self, uid: int, cmd_id: int) -> None:
        """Do not send a command that is still held; its answer is no longer awaited."""

    def publish(self, publication: Publication) -> None:
        """Publish to the subscribers of this link."""

    def poll(self) -> None:
        """Do periodic work; called about 20 times a second."""

    def stop(self) -> None:
        """Free all resources."""
