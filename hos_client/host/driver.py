"""Drivers handle devices: subclass Driver."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from .detected import DetectedDevice


@dataclass(frozen=True)
class Action:
    """
    A function call for a device.

    `arguments` holds typed values by name. For a device type with `serialized_api`, `text` is the
    whole serialized command instead. The action may take `timeout_s` [s].
    """

    id: int
    function_name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    text: str | None = None
    timeout_s: float = 60.0


class Driver(ABC):
    """
    Handles one device; created when the device appears, never reused.

    Of the drivers with the interface's `connection_type`, the first one for which `supported`
    returns True handles the device. A higher `priority` is tried first, but a subclass always
    before its parents. The constructor, `supported` and `action` run on a thread of the device
    and may block.
    """

    connection_type: ClassVar[str] = ''
    priority: ClassVar[int] = 0

    def __init__(self, identifier: str, device: DetectedDevice) -> None:
        self.identifier = identifier
        self.device = device
        self.device_type = device.row.device_type if device.row else ''
        self.device_connection = device.connection_type
        self.device_name = device.row.device_id if device.row else identifier
        # The latest values by stream name; `event_manager.device_changed(self)` sends them.
        self.data: dict[str, Any] = {}

    @classmethod
    @abstractmethod
    def supported(cls, device: DetectedDevice) -> bool:
        """Return whether this class handles a device; must have no side effects."""

    @abstractmethod
    def action(self, data: Action) -> Any:
        """
        Perform an action and return its result: a mapping by name, or values in order.

        An exception fails the action, and the caller gets its text.
        """

    def disconnect(self) -> None:  # noqa: B027 (most have nothing to close)
        """Close the device; called once, possibly while an action is running."""
