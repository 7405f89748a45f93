"""What handles a device: subclass Driver."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from .detected import DetectedDevice


@dataclass(frozen=True)
class Action:
    """
    Something a device is told to do.

    `arguments` are typed, by name; for a device type with `serialized_api` the whole command is
    `text` instead. `timeout_s` is how long [s] the action may take.
    """

    id: int
    function_name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    text: str | None = None
    timeout_s: float = 60.0


class Driver(ABC):
    """
    Handles one device; made when the device appears, never reused.

    Of the drivers with the interface's `connection_type` the first that is `supported` gets a
    device: a child class is asked before its parent, a higher `priority` before a lower. The
    constructor, `supported` and `action` run on a thread of the device's own and may block.
    """

    connection_type: ClassVar[str] = ''
    priority: ClassVar[int] = 0

    def __init__(self, identifier: str, device: DetectedDevice) -> None:
        self.identifier = identifier
        self.device = device
        self.device_type = device.row.device_type if device.row else ''
        self.device_connection = device.connection_type
        self.device_name = device.row.device_id if device.row else identifier
        # The newest values by the name of their stream; `event_manager.device_changed(self)`
        # sends them.
        self.data: dict[str, Any] = {}

    @classmethod
    @abstractmethod
    def supported(cls, device: DetectedDevice) -> bool:
        """Return whether this class handles a device; nothing is changed by asking."""

    @abstractmethod
    def action(self, data: Action) -> Any:
        """
        Carry out an action and return its result: a mapping by name, or values in order.

        What it raises is the failure, and its text is what the caller reads.
        """

    def disconnect(self) -> None:  # noqa: B027 (most have nothing to close)
        """Let go of the device; called once, while an action may still run."""
