"""The thread of an interface, which calls it repeatedly."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping

from .detected import Info
from .interface import Interface

_log = logging.getLogger(__name__)

OnDevices = Callable[[str, Mapping[str, Info]], object]


class Detector:
    """
    Runs an interface from `start` to `stop`; passes on its connection type and devices.

    If the interface raises an exception, it is logged, and the devices do not change.
    """

    def __init__(self, interface: Interface, on_devices: OnDevices) -> None:
        self.interface = interface
        self._on_devices = on_devices
        self._stopping = threading.Event()
        self._last_problem = ''
        name = f'interface {type(interface).__name__}'
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop; does not wait for an interface that blocks."""
        self._stopping.set()

    def join(self, timeout: float) -> None:
        """Wait up to `timeout` [s] until the thread has ended."""
        self._thread.join(timeout)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._poll()
            delay = self.interface._loop_delay
            self._stopping.wait(delay if delay > 0 else None)
        try:
            self.interface.close()
        except Exception:
            _log.exception('cannot close %s', type(self.interface).__name__)

    def _poll(self) -> None:
        try:
            devices = dict(self.interface.get_devices())
        except Exception as error:
            # Any exception of an interface is logged, a repeated one only once.
            problem = f'{type(error).__name__}: {error}'
            if problem != self._last_problem:
                _log.error(
                    'the interface %s failed: %s',
                    type(self.interface).__name__,
                    problem,
                    exc_info=True,
                )
            self._last_problem = problem
            return
        self._last_problem = ''
        if not self._stopping.is_set():
            self._on_devices(self.interface.connection_type, devices)
