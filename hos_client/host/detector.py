"""An interface's own thread: looks again and again for what has come and gone."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping

from .detected import Info
from .interface import Interface

_log = logging.getLogger(__name__)

Report = Callable[[str, Mapping[str, Info]], object]


class Detector:
    """
    Runs an interface from `start` to `stop`; every look is reported by its connection type.

    A look that fails is reported in the log, and what was there stays.
    """

    def __init__(self, interface: Interface, report: Report) -> None:
        self.interface = interface
        self._report = report
        self._stopping = threading.Event()
        self._last_problem = ''
        name = f'interface {type(interface).__name__}'
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Look no more; does not wait for an interface that blocks."""
        self._stopping.set()

    def join(self, timeout: float) -> None:
        """Wait until the thread has ended."""
        self._thread.join(timeout)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._look()
            delay = self.interface._loop_delay
            self._stopping.wait(delay if delay > 0 else None)
        try:
            self.interface.close()
        except Exception:
            _log.exception('%s cannot be closed', type(self.interface).__name__)

    def _look(self) -> None:
        try:
            devices = dict(self.interface.get_devices())
        except Exception as error:
            # Whatever an interface does, the others go on; the same problem is said once.
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
            self._report(self.interface.connection_type, devices)
