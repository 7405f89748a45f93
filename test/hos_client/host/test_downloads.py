"""The downloads of a host, valid and invalid ones."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from fake_fleet import fleet, row
from manager_double import running_gateway
from project import SAMPLE_DB

from hos_client.host.downloads import DownloadError, HostDownloads
from hos_client.settings import Settings
from hos_device_layer.core.archives import pack
from hos_device_layer.core.rosbridge import Role
from hos_device_layer.core.spec.fleet import fleet_from_json, fleet_of, fleet_to_json
from hos_device_layer.core.spec.records import Spec
from hos_device_layer.database import LocalCopy
from hos_device_layer.links.gateway import Gateway, GatewaySettings, TokenFile
from hos_device_layer.links.gateway.host_files import FLEET_FILE, HANDLERS_FILE


def offer(gateway: Gateway, folder: Path) -> None:
    gateway.host_files.offer(FLEET_FILE, fleet_to_json(fleet()))
    gateway.host_files.offer_folder(HANDLERS_FILE, folder)


def refresh(downloads: HostDownloads) -> bool:
    return downloads.refresh_fleet() | downloads.refresh_handlers()


def settings_of(gateway: Gateway, token: str = '') -> Settings:
    return Settings(url=f'ws://127.0.0.1:{gateway.port}', token=token)


@pytest.fixture
def handlers(tmp_path: Path) -> Path:
    folder = tmp_path / 'handlers'
    (folder / 'drivers').mkdir(parents=True)
    (folder / 'drivers' / 'scale.py').write_text('x = 1\n')
    (folder / 'secret.txt').write_text('not offered')
    return folder


def test_downloads_of_the_fleet_and_the_handlers(tmp_path: Path, handlers: Path) -> None:
    with running_gateway() as (gateway, _):
        offer(gateway, handlers)
        downloads = HostDownloads(settings_of(gateway), tmp_path / 'state')
        assert downloads.fleet() is None and downloads.handlers_folder() is None
        assert refresh(downloads)
        assert downloads.fleet() == fleet()
        first = downloads.handlers_folder()
        assert first is not None
        assert [str(p.relative_to(first)) for p in first.rglob('*.*')] == ['drivers/scale.py']
        # Nothing has changed, then something has.
        assert not refresh(downloads)
        (handlers / 'drivers' / 'scale.py').write_text('x = 2\n')
        assert refresh(downloads)
        second = downloads.handlers_folder()
        assert second is not None and second != first and not first.exists()
        assert (second / 'drivers' / 'scale.py').read_text() == 'x = 2\n'
    # While the manager is away, what was fetched serves.
    again = HostDownloads(Settings(url='ws://127.0.0.1:1'), tmp_path / 'state')
    with pytest.raises(DownloadError):
        refresh(again)
    assert again.fleet() == fleet() and again.handlers_folder() == second


def test_downloads_need_a_token_if_it_is_required(tmp_path: Path, handlers: Path) -> None:
    tokens = TokenFile(tmp_path / 'tokens.json')
    token = tokens.add('host', Role.DEVICE, None, '')
    settings = GatewaySettings(address='0.0.0.0', port=0, token_file=tokens.path)
    with running_gateway(settings) as (gateway, _):
        offer(gateway, handlers)
        for wrong in ('', 'hos_wrong'):
            with pytest.raises(DownloadError, match='401'):
                refresh(HostDownloads(settings_of(gateway, wrong), tmp_path / 'state'))
        assert refresh(HostDownloads(settings_of(gateway, token), tmp_path / 'state'))


def test_a_failed_or_invalid_download_replaces_nothing(tmp_path: Path, handlers: Path) -> None:
    with running_gateway() as (gateway, _):
        downloads = HostDownloads(settings_of(gateway), tmp_path / 'state')
        with pytest.raises(DownloadError, match='404'):
            refresh(downloads)
        offer(gateway, handlers)
        assert refresh(downloads)
        gateway.host_files.offer(FLEET_FILE, b'{"devices":5}')
        with pytest.raises(DownloadError, match='expected a fleet as JSON'):
            refresh(downloads)
        gateway.host_files.offer(FLEET_FILE, fleet_to_json(fleet()))
        gateway.host_files.offer(HANDLERS_FILE, b'no archive')
        with pytest.raises(DownloadError, match='the archive is broken'):
            refresh(downloads)
        assert downloads.fleet() == fleet() and downloads.handlers_folder() is not None


def test_a_folder_that_cannot_be_packed_is_reported_as_unavailable(
    tmp_path: Path, handlers: Path
) -> None:
    (handlers / 'drivers' / 'large.py').write_bytes(b'#' * 300_000)
    with running_gateway() as (gateway, _):
        offer(gateway, handlers)
        with pytest.raises(DownloadError, match='503'):
            refresh(HostDownloads(settings_of(gateway), tmp_path / 'state'))


def test_handlers_are_downloaded_over_secure_connections_only(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(
        HostDownloads, '_refresh', lambda self, name: bool(asked.append(name)) or True
    )
    (tmp_path / 'handlers.zip').write_bytes(pack({'drivers/x.py': b''}))
    insecure = HostDownloads(Settings(url='ws://hos.local:9091'), tmp_path)
    with caplog.at_level(logging.WARNING):
        refresh(insecure)
        refresh(insecure)
    assert asked == ['fleet.json'] * 2 and insecure.handlers_folder() is None
    assert len(caplog.records) == 1 and 'wss://' in caplog.text
    asked.clear()
    for url in ('wss://hos.local:9091', 'ws://127.0.0.1:9091', 'ws://[::1]:9091'):
        refresh(HostDownloads(Settings(url=url), tmp_path))
    refresh(HostDownloads(Settings(url='ws://hos.local:1'), tmp_path, True))
    assert asked == ['fleet.json', 'handlers.zip'] * 4


def test_the_fleet_of_a_specification() -> None:
    lab = fleet_of(LocalCopy(SAMPLE_DB).read(), 'lab')
    assert fleet_from_json(fleet_to_json(lab)) == lab
    assert lab.device_type('Shaker') is not None and lab.device_type('None') is None
    assert [f.name for f in lab.functions_of('Balance')] == ['balance_tare', 'balance_weigh']
    assert [s.name for s in lab.streams_of('Balance')] == ['mass']
    nothing = fleet_of(Spec(), 'lab')
    assert nothing.devices == () and nothing.functions == ()
    assert fleet(row()) == fleet(row())
