"""How drivers tell what happens to their devices."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .driver import Driver

_log = logging.getLogger(__name__)


class Listener(Protocol):
    """Whoever wants to know; called on the driver's thread."""

    def device_changed(self, driver: Driver) -> None:
        """Take the new `driver.data`."""

    def device_identified(self, driver: Driver, uid: int) -> None:
        """Take the uid that a device has told about itself."""

    def device_lost(self, driver: Driver, reason: str) -> None:
        """Take note that the device is gone, or has to be opened anew."""


class EventManager:
    """Passes on what drivers tell to every listener; may be used from any thread."""

    def __init__(self) -> None:
        self._listeners: tuple[Listener, ...] = ()
        self._lock = threading.Lock()

    def add_listener(self, listener: Listener) -> None:
        """Let a listener know what happens from now on."""
        with self._lock:
            self._listeners = (*self._listeners, listener)

    def remove_listener(self, listener: Listener) -> None:
        """Tell a listener nothing any more."""
        with self._lock:
            self._listeners = tuple(known for known in self._listeners if known is not listener)

    def device_changed(self, driver: Driver) -> None:
        """Send `driver.data` to every listener: at ROS each is a sample of its stream."""
        self._tell(lambda listener: listener.device_changed(driver))

    def device_identified(self, driver: Driver, uid: int) -> None:
        """Tell the uid that the device has told about itself."""
        self._tell(lambda listener: listener.device_identified(driver, uid))

    def device_lost(self, driver: Driver, reason: str) -> None:
        """Tell that the device is gone; if it is still plugged in, it is opened anew."""
        self._tell(lambda listener: listener.device_lost(driver, reason))

    def _tell(self, tell: Callable[[Listener], None]) -> None:
        for listener in self._listeners:
            try:
                tell(listener)
            except Exception:
                # A listener's mistake is not the driver's.
                _log.exception('a listener raised')


event_manager = EventManager()
