"""The files that hosts download, over HTTP."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import pytest
from gateway_settings import bearer, open_settings
from manager_double import WAIT_S, RunningGateway, running_gateway

from hos_device_layer.core.archives import unpack
from hos_device_layer.core.rosbridge import Role
from hos_device_layer.links.gateway import Gateway, TokenFile
from hos_device_layer.links.gateway.host_files import (
    DOWNLOAD_PATH,
    FLEET_FILE,
    HANDLERS_FILE,
    digest,
    pack_folder,
)

FLEET = b'{"name":"lab"}'
NO_HEADERS: Mapping[str, str] = {}


def download(
    gateway: Gateway, name: str, headers: Mapping[str, str] = NO_HEADERS
) -> tuple[int, bytes, str]:
    """Return the status, the content and the ETag of a file."""
    url = f'http://127.0.0.1:{gateway.port}{DOWNLOAD_PATH}{name}'
    request = urllib.request.Request(url, headers=dict(headers))
    try:
        with urllib.request.urlopen(request, timeout=WAIT_S) as response:
            return response.status, response.read(), response.headers['ETag']
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), error.headers['ETag'] or ''


@pytest.fixture
def handlers(tmp_path: Path) -> Path:
    for path in ('interfaces/usb.py', 'drivers/scale.py', 'drivers/.hidden.py', 'drivers/x.txt'):
        file = tmp_path / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(path)
    (tmp_path / 'drivers' / 'folder.py').mkdir()
    (tmp_path / 'README.py').touch()
    return tmp_path


def test_a_file_is_downloaded_until_the_client_has_it(running: RunningGateway) -> None:
    gateway, _ = running
    gateway.host_files.offer(FLEET_FILE, FLEET)
    status, content, etag = download(gateway, FLEET_FILE)
    assert (status, content, etag) == (200, FLEET, f'"{digest(FLEET)}"')
    known = {'If-None-Match': etag}
    assert download(gateway, FLEET_FILE, known) == (304, b'', etag)
    gateway.host_files.offer(FLEET_FILE, b'{}')
    assert download(gateway, FLEET_FILE, known)[:2] == (200, b'{}')


def test_a_folder_is_packed_at_each_download(running: RunningGateway, handlers: Path) -> None:
    gateway, _ = running
    gateway.host_files.offer_folder(HANDLERS_FILE, handlers)
    _, first, first_tag = download(gateway, HANDLERS_FILE)
    assert first == pack_folder(handlers)
    assert download(gateway, HANDLERS_FILE)[2] == first_tag
    (handlers / 'drivers' / 'pump.py').write_text('new')
    _, second, second_tag = download(gateway, HANDLERS_FILE)
    assert unpack(second)['drivers/pump.py'] == b'new'
    assert second_tag != first_tag


def test_only_python_files_of_interfaces_and_drivers_are_packed(handlers: Path) -> None:
    assert unpack(pack_folder(handlers)).keys() == {'interfaces/usb.py', 'drivers/scale.py'}


def test_a_folder_that_does_not_exist_is_packed_as_an_empty_one(tmp_path: Path) -> None:
    assert unpack(pack_folder(tmp_path / 'missing')) == {}


def test_a_folder_that_is_too_large_is_logged_and_refused(
    running: RunningGateway, handlers: Path, caplog: pytest.LogCaptureFixture
) -> None:
    gateway, _ = running
    (handlers / 'drivers' / 'scale.py').write_bytes(b'x' * 300_000)
    gateway.host_files.offer_folder(HANDLERS_FILE, handlers)
    status, content, _ = download(gateway, HANDLERS_FILE)
    assert (status, content) == (503, b'the folder cannot be read\n')
    assert str(handlers) in caplog.text and 'expected at most' in caplog.text


def test_an_unknown_file_is_not_found(running: RunningGateway) -> None:
    gateway, _ = running
    assert download(gateway, 'passwd')[0] == 404


def test_a_file_requires_a_token_if_the_gateway_does(tokens: TokenFile) -> None:
    token = tokens.add('bay 1', Role.DEVICE, None, '')
    with running_gateway(open_settings(tokens)) as (gateway, _):
        gateway.host_files.offer(FLEET_FILE, FLEET)
        status, content, _ = download(gateway, FLEET_FILE)
        assert status == 401 and b'hos token add' in content
        assert download(gateway, FLEET_FILE, bearer(token))[:2] == (200, FLEET)


@pytest.mark.parametrize('role', list(Role))
def test_every_role_can_download(tokens: TokenFile, role: Role) -> None:
    token = tokens.add('bay 1', role, (), '')
    with running_gateway(open_settings(tokens)) as (gateway, _):
        gateway.host_files.offer(FLEET_FILE, FLEET)
        assert download(gateway, FLEET_FILE, bearer(token))[:2] == (200, FLEET)


def test_anonymous_devices_can_download(tokens: TokenFile) -> None:
    with running_gateway(open_settings(tokens, allow_anonymous_devices=True)) as (gateway, _):
        gateway.host_files.offer(FLEET_FILE, FLEET)
        assert download(gateway, FLEET_FILE)[:2] == (200, FLEET)
