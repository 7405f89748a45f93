"""Tokens, roles, origins and TLS, over real sockets."""

from __future__ import annotations

import json
import logging
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
from manager_double import WAIT_S, running_gateway
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from hos_device_layer.core.rosbridge import Role
from hos_device_layer.links.gateway import (
    Gateway,
    GatewayError,
    GatewaySettings,
    TokenError,
    TokenFile,
    server,
)
from hos_device_layer.links.gateway import websocket_connection as peer

PING = '{"op":"publish","topic":"haive_os/device/ping","msg":{"data":5}}'


@pytest.fixture
def tokens(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path / 'tokens.json')


def open_settings(tokens: TokenFile, **changes: Any) -> GatewaySettings:
    """All addresses: others could reach it, so it asks for tokens."""
    return GatewaySettings(address='0.0.0.0', port=0, token_file=tokens.path, **changes)


def open_socket(gateway: Gateway, query: str = '', **options: Any) -> ClientConnection:
    return connect(f'ws://127.0.0.1:{gateway.port}/{query}', **options)


def bearer(token: str) -> dict[str, str]:
    return {'Authorization': f'Bearer {token}'}


def test_tokens_by_header_address_and_frame(tokens: TokenFile) -> None:
    token = tokens.add('bay 1', Role.DEVICE, (5,), '')
    auth = json.dumps({'op': 'auth', 'token': token})
    with running_gateway(open_settings(tokens)) as (gateway, manager):
        with open_socket(gateway, additional_headers=bearer(token)) as device:
            device.send(PING)
            assert manager.next_event() == ('ping', 5)
            device.send(PING.replace('5', '6'))
            assert 'only act for its own uid' in json.loads(device.recv(WAIT_S))['msg']
        assert manager.next_event() == ('closed', 5)
        with open_socket(gateway, f'?token={token}') as device:
            device.send(PING)
            assert manager.next_event() == ('ping', 5)
        assert manager.next_event() == ('closed', 5)
        with open_socket(gateway) as device:
            device.send(PING)
            assert 'token' in json.loads(device.recv(WAIT_S))['msg']
            device.send(auth)
            device.send(PING)
            assert manager.next_event() == ('ping', 5)


def test_wrong_tokens_are_refused_and_slow_their_address_down(
    tokens: TokenFile, caplog: pytest.LogCaptureFixture
) -> None:
    token = tokens.add('bay 1', Role.DEVICE, None, '')
    with running_gateway(open_settings(tokens)) as (gateway, _):
        codes = []
        for attempt in ('guess1', 'guess2', 'guess3', token):
            with pytest.raises(InvalidStatus) as refusal:
                open_socket(gateway, additional_headers=bearer(attempt))
            codes.append(refusal.value.response.status_code)
        assert codes == [401, 401, 429, 429]
        assert 'Retry-After' in refusal.value.response.headers
    assert 'wrong token' in caplog.text
    assert 'guess' not in caplog.text and token not in caplog.text


def test_a_wrong_token_in_a_frame_closes(tokens: TokenFile) -> None:
    with running_gateway(open_settings(tokens)) as (gateway, _), open_socket(gateway) as device:
        device.send('{"op":"auth","token":"guess"}')
        with pytest.raises(ConnectionClosed):
            device.recv(WAIT_S)
        assert device.close_code == 4401


def test_without_a_token_the_time_is_limited(
    tokens: TokenFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer, 'TOKEN_TIMEOUT_S', 0.2)
    with running_gateway(open_settings(tokens)) as (gateway, _), open_socket(gateway) as device:
        with pytest.raises(ConnectionClosed):
            device.recv(WAIT_S)
        assert device.close_code == 4408


def test_strangers_are_bounded(tokens: TokenFile) -> None:
    token = tokens.add('bay 1', Role.DEVICE, None, '')
    settings = open_settings(tokens, max_unauthenticated_per_address=1)
    with running_gateway(settings) as (gateway, manager), open_socket(gateway) as first:
        with pytest.raises(InvalidStatus, match='429'):
            open_socket(gateway)
        with open_socket(gateway, additional_headers=bearer(token)):
            first.send(json.dumps({'op': 'auth', 'token': token}))
            first.send(PING)
            assert manager.next_event() == ('ping', 5)
            with open_socket(gateway):
                pass


def test_anonymous_devices_only_where_allowed(tokens: TokenFile) -> None:
    settings = open_settings(tokens, allow_anonymous_devices=True)
    with running_gateway(settings) as (gateway, manager), open_socket(gateway) as device:
        device.send(PING)
        assert manager.next_event() == ('ping', 5)
        device.send('{"op":"call_service","id":"1","service":"haive_os/connected_devices"}')
        assert json.loads(device.recv(WAIT_S))['result'] is False


def test_revoked_tokens_end_their_sessions(
    tokens: TokenFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, '_REVOCATION_CHECK_S', 0.05)
    kept, lost = (tokens.add(name, Role.VIEWER, None, '') for name in ('kept', 'lost'))
    with (
        running_gateway(open_settings(tokens)) as (gateway, _),
        open_socket(gateway, f'?token={kept}') as stays,
        open_socket(gateway, f'?token={lost}') as goes,
    ):
        tokens.revoke('lost')
        with pytest.raises(ConnectionClosed):
            goes.recv(WAIT_S)
        assert goes.close_code == 4401
        stays.send('{}')
        assert json.loads(stays.recv(WAIT_S))['op'] == 'status'
        with pytest.raises(InvalidStatus, match='401'):
            open_socket(gateway, f'?token={lost}')


@pytest.mark.parametrize(
    ('origin', 'welcome'),
    [('https://lab.example', True), ('https://evil.example', False), ('null', False)],
)
def test_web_pages(origin: str, welcome: bool) -> None:
    with running_gateway(allowed_origins=('https://lab.example',)) as (gateway, _):
        if welcome:
            with open_socket(gateway, origin=origin) as page:
                page.send('{}')
                assert json.loads(page.recv(WAIT_S))['op'] == 'status'
        else:
            with pytest.raises(InvalidStatus, match='403'):
                open_socket(gateway, origin=origin)


def test_tls(tmp_path: Path) -> None:
    certificate, key = tmp_path / 'cert.pem', tmp_path / 'key.pem'
    subprocess.run(
        (
            'openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 '
            f'-keyout {key} -out {certificate} -subj /CN=localhost '
            '-addext subjectAltName=DNS:localhost'
        ).split(),
        check=True,
        capture_output=True,
    )
    with running_gateway(certificate_file=certificate, key_file=key) as (gateway, manager):
        context = ssl.create_default_context(cafile=certificate)
        with connect(f'wss://localhost:{gateway.port}/', ssl=context) as device:
            device.send(PING)
            assert manager.next_event() == ('ping', 5)


def test_a_broken_certificate_is_named(tmp_path: Path) -> None:
    broken = tmp_path / 'cert.pem'
    broken.write_text('nonsense')
    with (
        pytest.raises(GatewayError, match='certificate'),
        running_gateway(certificate_file=broken),
    ):
        pass


# The token file


def test_the_file_holds_no_token_and_is_private(tokens: TokenFile) -> None:
    token = tokens.add('bay 1', Role.DEVICE, (1, 2), '2030-01-01')
    assert token not in tokens.path.read_text()
    assert tokens.path.stat().st_mode & 0o777 == 0o600
    access = tokens.authenticate(token)
    assert access is not None and access.uids == {1, 2} and access.name == 'bay 1'
    assert tokens.authenticate(token[:-1]) is None
    assert tokens.authenticate('') is None
    assert tokens.authenticate('\udc00') is None


def test_a_file_that_others_can_read_is_not_used(
    tokens: TokenFile, caplog: pytest.LogCaptureFixture
) -> None:
    token = tokens.add('bay 1', Role.DEVICE, None, '')
    tokens.path.chmod(0o644)
    with pytest.raises(TokenError, match='chmod 600'):
        tokens.authenticate(token)
    with running_gateway(open_settings(tokens)) as (gateway, _), caplog.at_level(logging.ERROR):
        with pytest.raises(InvalidStatus, match='401'):
            open_socket(gateway, f'?token={token}')
        assert 'chmod 600' in caplog.text


def test_changes_on_disk_count(tokens: TokenFile) -> None:
    other = TokenFile(tokens.path)
    token = tokens.add('a', Role.VIEWER, None, '')
    assert other.authenticate(token) is not None
    tokens.revoke('a')
    assert other.authenticate(token) is None


def test_mistakes_with_names(tokens: TokenFile) -> None:
    tokens.add('a', Role.VIEWER, None, '')
    with pytest.raises(TokenError, match='already'):
        tokens.add('a', Role.VIEWER, None, '')
    with pytest.raises(TokenError, match='existing tokens: a'):
        tokens.revoke('b')
    with pytest.raises(TokenError, match='needs a printable name'):
        tokens.add('', Role.VIEWER, None, '')


def test_a_broken_file_is_named(tokens: TokenFile) -> None:
    tokens.path.write_text('{')
    tokens.path.chmod(0o600)
    with pytest.raises(TokenError, match=str(tokens.path)):
        tokens.records()
