"""Keeps a host up to date with the fleet, and with local and downloaded handlers."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from hos_device_layer.core.spec.fleet import Fleet

from .downloads import DownloadError, HostDownloads
from .host import Host
from .loading import HandlerLoader, LoadedHandlers

_log = logging.getLogger(__name__)

# Intervals of asking the device manager for changes, and of scanning local files [s].
FETCH_INTERVAL_S = 10.0
SCAN_INTERVAL_S = 1.0


class Provisioner:
    """
    Gives a host its fleet and its handlers, from `start` to `stop`, on a thread of its own.

    A handler that blocks while it is imported blocks this thread only.
    """

    def __init__(
        self,
        host: Host,
        downloads: HostDownloads | None,
        folders: Sequence[Path] = (),
        loader: HandlerLoader | None = None,
    ) -> None:
        self._host = host
        self._downloads = downloads
        self._folders = tuple(folders)
        self._loader = loader or HandlerLoader()
        self._handlers: LoadedHandlers | None = None
        self._fetch_at = 0.0
        self._last_problems: list[str] = []
        self._fleet: Fleet | None = None
        self._wake = threading.Event()
        self._reload = False
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name='provisioner', daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop; does not wait for a handler that blocks."""
        self._is_stopping = True
        self._wake.set()

    def fetch_now(self) -> None:
        """Fetch from the device manager now, because it is connected again."""
        self._fetch_at = 0.0
        self._wake.set()

    def reload(self) -> None:
        """Reload every handler, changed or not; may be called by a signal handler."""
        self._reload = True
        self._fetch_at = 0.0
        self._wake.set()

    def _run(self) -> None:
        # The fleet of the last run is used until the device manager answers.
        self._pass_on_fleet()
        while not self._is_stopping:
            if self._fetch_at <= time.monotonic():
                self._fetch()
            self._load()
            self._wake.wait(SCAN_INTERVAL_S)
            self._wake.clear()

    def _fetch(self) -> None:
        self._fetch_at = time.monotonic() + FETCH_INTERVAL_S
        if self._downloads is None:
            return
        problems = []
        for refresh in (self._downloads.refresh_fleet, self._downloads.refresh_handlers):
            try:
                if refresh():
                    _log.info('fetched changes from the device manager')
            except DownloadError as error:
                problems.append(str(error))
        self._pass_on_fleet()
        for problem in problems:
            if problem not in self._last_problems:
                _log.warning('%s', problem)
        self._last_problems = problems

    def _pass_on_fleet(self) -> None:
        fleet = self._downloads.fleet() if self._downloads is not None else None
        if fleet is not None and fleet != self._fleet:
            self._fleet = fleet
            self._host.set_fleet(fleet)

    def _load(self) -> None:
        force, self._reload = self._reload, False
        folders = list(self._folders)
        try:
            if self._downloads is not None and (fetched := self._downloads.handlers_folder()):
                folders.insert(0, fetched)
        except DownloadError as error:
            _log.error('%s', error)
        handlers = self._loader.load(folders, force)
        if force or handlers != self._handlers:
            self._handlers = handlers
            names = ', '.join(driver.__name__ for driver in handlers.drivers)
            _log.info('drivers: %s', names)
            self._host.set_handlers(handlers)
