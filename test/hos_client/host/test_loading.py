"""Handlers from all sources, valid and invalid ones."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

import pytest

from hos_client.host.loading import HandlerLoader, LoadedHandlers

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
INTERFACE = """
from hos_client.host import Interface

class Shelf(Interface):
    connection_type = 'shelf'

    def get_devices(self):
        return {}
"""


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def load(folder: Path, loader: HandlerLoader | None = None, force: bool = False) -> LoadedHandlers:
    return (loader or HandlerLoader((), (), with_entry_points=False)).load([folder], force)


def names(handlers: LoadedHandlers) -> list[str]:
    return [h.__name__ for h in (*handlers.interfaces, *handlers.drivers)]


def test_the_built_in_handlers() -> None:
    handlers = HandlerLoader(with_entry_points=False).load([])
    assert names(handlers) == [
        'SerialInterface',
        'NetworkInterface',
        'L1Driver',
        'LineDriver',
        'JsonLinesDriver',
        'HttpDriver',
    ]
    assert handlers.problems == ()
    assert not any(inspect.isabstract(handler) for handler in handlers.drivers)


def test_folders(tmp_path: Path) -> None:
    write(tmp_path, 'drivers/scale.py', DRIVER)
    write(tmp_path, 'interfaces/shelf.py', INTERFACE)
    write(tmp_path, 'drivers/_unfinished.py', 'raise RuntimeError')
    write(tmp_path, 'drivers/notes.txt', 'no Python')
    assert names(load(tmp_path)) == ['Shelf', 'Scale']
    assert load(tmp_path / 'none') == LoadedHandlers()


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('import a_module_that_is_not_there', 'ModuleNotFoundError'),
        ('def broken(:', 'SyntaxError'),
        ('raise SystemExit(3)', 'SystemExit'),
        (DRIVER.replace("'serial'", "''"), 'Scale has no connection_type'),
        (DRIVER.replace('def action', 'def no_action'), 'Scale does not implement: action'),
        ('\0', 'null byte'),
    ],
)
def test_an_invalid_file_is_reported_once_and_skipped(
    tmp_path: Path, text: str, expected: str, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, 'drivers/broken.py', text)
    write(tmp_path, 'drivers/scale.py', DRIVER)
    loader = HandlerLoader((), (), with_entry_points=False)
    for _ in range(3):
        handlers = load(tmp_path, loader)
        assert names(handlers) == ['Scale']
        (problem,) = handlers.problems
        assert expected in problem and 'broken.py' in problem
    assert len(caplog.records) == 1


def test_only_changed_files_are_reloaded(tmp_path: Path) -> None:
    scale = write(tmp_path, 'drivers/scale.py', DRIVER)
    write(tmp_path, 'drivers/other.py', DRIVER.replace('Scale', 'Other'))
    loader = HandlerLoader((), (), with_entry_points=False)
    first = load(tmp_path, loader)
    assert load(tmp_path, loader) == first
    scale.write_text(DRIVER + '\n')
    second = load(tmp_path, loader)
    assert second.drivers[0] is first.drivers[0] and second.drivers[1] is not first.drivers[1]
    third = load(tmp_path, loader, force=True)
    assert names(third) == names(first) and third.drivers[0] is not first.drivers[0]
    scale.unlink()
    assert names(load(tmp_path, loader)) == ['Other']


def test_entry_points_of_installed_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    info = tmp_path / 'acme-1.0.dist-info'
    info.mkdir()
    (info / 'METADATA').write_text('Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n')
    (info / 'entry_points.txt').write_text(
        '[hos_device_layer.drivers]\n'
        'broken = acme_drivers:Missing\n'
        'odd = acme_drivers:NUMBER\n'
        'scale = acme_drivers:Scale\n'
    )
    (tmp_path / 'acme_drivers.py').write_text(DRIVER + '\nNUMBER = 5\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    handlers = HandlerLoader((), ()).load([])
    assert 'Scale' in names(handlers)
    ours = [problem for problem in handlers.problems if 'acme' in problem]
    assert len(ours) == 2 and 'expected a subclass of Driver, got 5' in ours[1]
    sys.modules.pop('acme_drivers')
