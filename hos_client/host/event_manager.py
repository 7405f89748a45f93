"""Events of drivers: values, identities and losses of their devices."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .driver import Driver

_log = logging.getLogger(__name__)


class Listener(Protocol):
    """Handles the events of drivers; called on the driver's thread."""

    def device_changed(self, driver: Driver) -> None:
        """Handle new values in `driver.data`."""

    def device_identified(self, driver: Driver, uid: int) -> None:
        """Handle the uid that a device reports for itself."""

    def device_lost(self, driver: Driver, reason: str) -> None:
        """Handle that the device is gone or must be opened again."""


class EventManager:
    """Passes events of drivers to every listener; thread-safe."""

    def __init__(self) -> None:
        self._listeners: tuple[Listener, ...] = ()
        self._lock = threading.Lock()

    def add_listener(self, listener: Listener) -> None:
        """Call a listener for every event from now on."""
        with self._lock:
            self._listeners = (*self._listeners, listener)

    def remove_listener(self, listener: Listener) -> None:
        """Stop calling a listener."""
        with self._lock:
            self._listeners = tuple(known for known in self._listeners if known is not listener)

    def device_changed(self, driver: Driver) -> None:
        """Report new values in `driver.data`; each becomes a sample of its stream."""
        self._notify(lambda listener: listener.device_changed(driver))

    def device_identified(self, driver: Driver, uid: int) -> None:
        """Report the uid that the device reports for itself."""
        self._notify(lambda listener: listener.device_identified(driver, uid))

    def device_lost(self, driver: Driver, reason: str) -> None:
        """Report that the device is gone; if it is still plugged in, it is opened again."""
        self._notify(lambda listener: listener.device_lost(driver, reason))

    def _notify(self, call: Callable[[Listener], None]) -> None:
        for listener in self._listeners:
            try:
                call(listener)
            except Exception:
                # An exception of a listener must not reach the driver.
                _log.exception('a listener raised an exception')


event_manager = EventManager()
