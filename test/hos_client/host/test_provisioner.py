"""What a host gets from its provisioner, with doubles of the host and the downloads."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake_fleet import fleet, row

from hos_client.host import provisioner
from hos_client.host.downloads import DownloadError
from hos_client.host.loading import HandlerLoader, LoadedHandlers
from hos_client.host.provisioner import Provisioner
from hos_device_layer.core.spec.fleet import Fleet

WAIT_S = 10

DRIVER = """
from hos_client.host import Driver

class Scale(Driver):
    connection_type = 'serial'

    @classmethod
    def supported(cls, device):
        return True

    def action(self, data):
        return {}
"""


class HostDouble:
    """Records what the provisioner sets."""

    def __init__(self) -> None:
        self.fleets: queue.Queue[Fleet] = queue.Queue()
        self.handlers: queue.Queue[LoadedHandlers] = queue.Queue()

    def set_fleet(self, fleet: Fleet) -> None:
        self.fleets.put(fleet)

    def set_handlers(self, handlers: LoadedHandlers) -> None:
        self.handlers.put(handlers)


class DownloadsDouble:
    """Downloads that a test sets; they fail while `error` is set."""

    def __init__(self) -> None:
        self.error = ''
        self.kept: Fleet | None = None
        self.attempts = threading.Semaphore(0)

    def fleet(self) -> Fleet | None:
        return self.kept

    def handlers_folder(self) -> Path | None:
        return None

    def refresh_fleet(self) -> bool:
        self.attempts.release()
        if self.error:
            raise DownloadError(self.error)
        return False

    def refresh_handlers(self) -> bool:
        return False


class Setup:
    """A running provisioner with its doubles."""

    def __init__(self, folder: Path, downloads: DownloadsDouble) -> None:
        self.host = HostDouble()
        self.provisioner = Provisioner(
            self.host,  # type: ignore[arg-type]
            downloads,  # type: ignore[arg-type]
            [folder],
            HandlerLoader((), (), with_entry_points=False),
        )
        self.provisioner.start()

    def drivers(self) -> list[str]:
        """Wait for the next handlers and return the names of the drivers."""
        return [d.__name__ for d in self.host.handlers.get(timeout=WAIT_S).drivers]


@pytest.fixture
def downloads() -> DownloadsDouble:
    return DownloadsDouble()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / 'drivers').mkdir()
    return tmp_path


@pytest.fixture
def start(
    folder: Path,
    downloads: DownloadsDouble,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> Callable[[], Setup]:
    # A test of a program in this process may have set another level.
    caplog.set_level('WARNING', 'hos_client')
    monkeypatch.setattr(provisioner, 'SCAN_INTERVAL_S', 0.01)
    downloads.kept = fleet()
    downloads.error = 'the device manager is away'
    return lambda: Setup(folder, downloads)


@pytest.fixture
def started(start: Callable[[], Setup]) -> Iterator[Setup]:
    setup = start()
    yield setup
    setup.provisioner.stop()


def test_the_fleet_of_the_last_run_is_used_until_the_manager_answers(
    started: Setup, downloads: DownloadsDouble
) -> None:
    assert started.host.fleets.get(timeout=WAIT_S) == fleet()
    downloads.kept, downloads.error = fleet(row('K6102', 7)), ''
    started.provisioner.fetch_now()
    assert started.host.fleets.get(timeout=WAIT_S) == fleet(row('K6102', 7))


def test_a_repeated_problem_is_logged_once(
    start: Callable[[], Setup], downloads: DownloadsDouble, caplog: pytest.LogCaptureFixture
) -> None:
    # Started here: pytest records nothing between the set-up and the test.
    provisioner = start().provisioner
    for _ in range(3):
        assert downloads.attempts.acquire(timeout=WAIT_S)
        provisioner.fetch_now()
    assert downloads.attempts.acquire(timeout=WAIT_S)
    provisioner.stop()
    assert [r.message for r in caplog.records].count('the device manager is away') == 1


def test_a_new_driver_is_loaded_without_a_restart(started: Setup, folder: Path) -> None:
    assert started.drivers() == []
    # Renamed into place, so that it is never read half written.
    (folder / 'scale').write_text(DRIVER)
    (folder / 'scale').rename(folder / 'drivers' / 'scale.py')
    assert started.drivers() == ['Scale']


def test_a_reload_sets_the_handlers_even_if_they_have_not_changed(started: Setup) -> None:
    assert started.drivers() == []
    started.provisioner.reload()
    assert started.drivers() == []
