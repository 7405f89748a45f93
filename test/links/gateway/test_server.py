"""The server: its port, its handshakes, its connections, TLS, and how it stops."""

from __future__ import annotations

import json
import queue
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from gateway_clients import logging_of, pool
from gateway_settings import PING, open_settings
from manager_double import (
    WAIT_S,
    ManagerDouble,
    RunningGateway,
    running_gateway,
)
from raw_websocket import HANDSHAKE
from websocket_clients import (
    close_code,
    open_socket,
    ping_frame,
    say,
)
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from hos_client import Client
from hos_device_layer.core.rosbridge import Role
from hos_device_layer.links.gateway import (
    Gateway,
    GatewayError,
    GatewaySettings,
    TokenError,
    TokenFile,
    connection_guard,
    revocation,
)
from hos_device_layer.parameters import PARAMETERS


def test_an_unfinished_handshake_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_guard, 'HANDSHAKE_TIMEOUT_S', 0.3)
    with running_gateway() as (gateway, _):
        for beginning in (b'', b'GET / HTTP/1.1\r\nHost: x\r\n'):
            with socket.create_connection(('127.0.0.1', gateway.port), WAIT_S) as raw:
                raw.sendall(beginning)
                assert raw.recv(1) == b''


def test_by_default_only_this_computer_reaches_the_gateway(running: RunningGateway) -> None:
    gateway, _ = running
    (parameter,) = (p for p in PARAMETERS if p.name == 'gateway_address')
    assert parameter.default == GatewaySettings().address == '127.0.0.1'
    # Another address of this computer, as one of a network would be.
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(('127.0.0.2', gateway.port), WAIT_S)
    with (
        running_gateway(address='0.0.0.0') as (open_gateway, _),
        socket.create_connection(('127.0.0.2', open_gateway.port), WAIT_S),
    ):
        pass


def test_five_hundred_devices_connect_at_once(running: RunningGateway) -> None:
    gateway, manager = running
    with ExitStack() as sockets:
        devices = [sockets.enter_context(open_socket(gateway)) for _ in range(500)]
        for uid, device in enumerate(devices):
            say(device, ping_frame(uid))
        assert {manager.next_event()[1] for _ in devices} == set(range(500))
    assert {manager.next_event() for _ in devices} == {('closed', uid) for uid in range(500)}


def test_a_stop_closes_connections_with_a_reason() -> None:
    with running_gateway() as (gateway, _), open_socket(gateway) as peer:
        gateway.stop()
        assert close_code(peer) == (1001, 'the gateway is stopping')


def test_the_number_of_connections_of_an_address_is_limited() -> None:
    with running_gateway(max_connections_per_address=1) as (gateway, _):
        with open_socket(gateway), pytest.raises(Exception, match='503'):
            open_socket(gateway)
        # The place is free again as soon as the server has noticed.
        with open_socket(gateway):
            pass


def test_connections_of_a_revoked_token_are_closed(
    tokens: TokenFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocation, 'CHECK_INTERVAL_S', 0.05)
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


def test_a_token_of_the_same_name_keeps_no_connection_of_a_revoked_one(
    tokens: TokenFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who replaces a token revokes it and adds one: perhaps before the gateway looks."""
    monkeypatch.setattr(revocation, 'CHECK_INTERVAL_S', 0.05)
    stolen = tokens.add('bay 1', Role.DEVICE, (5,), '')
    other = TokenFile(tokens.path.with_name('other.json'))
    other.add('bay 1', Role.DEVICE, (5,), '')
    with (
        running_gateway(open_settings(tokens)) as (gateway, manager),
        open_socket(gateway, f'?token={stolen}') as thief,
    ):
        say(thief, ping_frame(5))
        assert manager.next_event() == ('ping', 5)
        other.path.replace(tokens.path)
        assert close_code(thief)[0] == 4401


@pytest.mark.parametrize('fault', ['readable', 'broken', 'gone', 'unreadable'])
def test_connections_with_tokens_are_closed_if_tokens_cannot_be_checked(
    tokens: TokenFile,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    fault: str,
) -> None:
    monkeypatch.setattr(revocation, 'CHECK_INTERVAL_S', 0.05)
    monkeypatch.setattr(revocation, 'SECOND_LOOK_S', 0.05)
    token = tokens.add('bay 1', Role.DEVICE, (5,), '')
    settings = open_settings(tokens, allow_anonymous_devices=True)
    with (
        running_gateway(settings) as (gateway, manager),
        open_socket(gateway, f'?token={token}') as goes,
        open_socket(gateway) as stays,
    ):
        if fault == 'readable':
            tokens.path.chmod(0o644)
        elif fault == 'broken':
            tokens.path.write_text('[')
        elif fault == 'gone':
            tokens.path.unlink()
        else:
            tokens.path.unlink()
            tokens.path.mkdir(0o700)
        assert close_code(goes)[0] == (4401 if fault == 'gone' else 1011)
        say(stays, ping_frame(6))
        assert manager.next_event() == ('ping', 6)
    lines = [r for r in caplog.records if 'connections with tokens are closed' in r.getMessage()]
    assert len(lines) == (fault != 'gone')


def test_a_token_file_that_is_being_written_closes_no_connection(
    tokens: TokenFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An editor may write it in place: for a moment it is empty."""
    monkeypatch.setattr(revocation, 'CHECK_INTERVAL_S', 0.02)
    token = tokens.add('bay 1', Role.DEVICE, (5,), '')
    content = tokens.path.read_bytes()
    failed = threading.Event()
    accesses = TokenFile.accesses

    def watched(file: TokenFile) -> object:
        try:
            return accesses(file)
        except TokenError:
            if failed.is_set():
                tokens.path.write_bytes(content)
            failed.set()
            raise

    monkeypatch.setattr(TokenFile, 'accesses', watched)
    monkeypatch.setattr(revocation, 'SECOND_LOOK_S', 0.0)
    with (
        running_gateway(open_settings(tokens)) as (gateway, manager),
        open_socket(gateway, f'?token={token}') as device,
    ):
        monkeypatch.setattr(revocation, 'SECOND_LOOK_S', 0.5)
        tokens.path.write_bytes(b'')
        assert failed.wait(WAIT_S)
        tokens.path.write_bytes(content)
        say(device, ping_frame(5))
        assert manager.next_event() == ('ping', 5)


def test_a_revocation_is_found_with_one_look_at_the_file(
    tokens: TokenFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocation, 'CHECK_INTERVAL_S', 0.05)
    token = tokens.add('bay 1', Role.VIEWER, None, '')
    looks: list[int] = []
    looked = threading.Event()
    refresh = TokenFile._refresh

    def counted(file: TokenFile) -> None:
        looks.append(len(looks))
        if len(looks) > 50:
            looked.set()
        refresh(file)

    with running_gateway(open_settings(tokens)) as (gateway, _), ExitStack() as sockets:
        for _ in range(50):
            sockets.enter_context(open_socket(gateway, f'?token={token}'))
        monkeypatch.setattr(TokenFile, '_refresh', counted)
        started = time.monotonic()
        assert not looked.wait(1.0)
        assert 0 < len(looks) <= (time.monotonic() - started) / 0.05 + 1


def test_a_device_connects_with_tls(certificate: tuple[Path, Path]) -> None:
    file, key = certificate
    with running_gateway(certificate_file=file, key_file=key) as (gateway, manager):
        context = ssl.create_default_context(cafile=file)
        with connect(f'wss://localhost:{gateway.port}/', ssl=context) as device:
            device.send(PING)
            assert manager.next_event() == ('ping', 5)


def test_a_gateway_with_tls_refuses_connections_without_it(certificate: tuple[Path, Path]) -> None:
    file, key = certificate
    with running_gateway(certificate_file=file, key_file=key) as (gateway, manager):
        for request in (HANDSHAKE + b'\r\n', b'GET /?token=hos_x HTTP/1.1\r\n\r\n'):
            with socket.create_connection(('127.0.0.1', gateway.port), WAIT_S) as raw:
                raw.sendall(request)
                with suppress(ConnectionResetError):
                    assert raw.recv(1000) == b''
        assert manager.events.empty()


@pytest.mark.parametrize('way', ['ca_file', 'system'])
def test_a_python_client_trusts_its_certificate_file_or_those_of_the_system(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    file, key = certificate
    with running_gateway(certificate_file=file, key_file=key) as (gateway, manager):
        url = f'wss://localhost:{gateway.port}'
        with logging_of('certificate') as refused, Client(pool(), url):
            assert refused.wait(WAIT_S)
        if way == 'system':
            monkeypatch.setenv('SSL_CERT_FILE', str(file))
        ca_file = str(file) if way == 'ca_file' else None
        with Client(pool(), url, ca_file=ca_file) as client:
            assert client.wait_until_connected(WAIT_S)
            assert manager.next_event()[0] == 'connect'


class NameServer:
    """Answers when it is told to; `asked` is set when somebody asks it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked, self.answer = threading.Event(), threading.Event()
        self._resolve = socket.getaddrinfo
        monkeypatch.setattr(socket, 'getaddrinfo', self._getaddrinfo)

    def _getaddrinfo(self, host: Any, *arguments: Any, **options: Any) -> Any:
        if host != 'lab.example':
            return self._resolve(host, *arguments, **options)
        self.asked.set()
        assert self.answer.wait(WAIT_S)
        return self._resolve('127.0.0.1', *arguments, **options)


@pytest.fixture
def name_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    name_server = NameServer(monkeypatch)
    yield name_server
    name_server.answer.set()


Outcomes = queue.Queue[GatewayError | None]


@pytest.fixture
def opening(name_server: NameServer) -> Iterator[tuple[Gateway, Outcomes]]:
    """A gateway that waits for its name server, and what becomes of it."""
    manager, outcomes = ManagerDouble(), Outcomes()
    gateway = Gateway(GatewaySettings('lab.example', 0), manager.handle, manager.wake)
    gateway.open(outcomes.put)
    assert name_server.asked.wait(WAIT_S)
    yield gateway, outcomes
    gateway.stop()
    manager.stop()


def test_a_gateway_is_opened_when_its_name_server_answers(
    opening: tuple[Gateway, Outcomes], name_server: NameServer
) -> None:
    gateway, outcomes = opening
    assert outcomes.empty()
    name_server.answer.set()
    assert outcomes.get(timeout=WAIT_S) is None
    with open_socket(gateway):
        pass


def test_a_stop_does_not_wait_for_a_name_server(
    opening: tuple[Gateway, Outcomes], name_server: NameServer
) -> None:
    gateway, outcomes = opening
    gateway.stop()
    name_server.answer.set()
    gateway._server._thread.join(WAIT_S)
    assert not gateway._server._thread.is_alive()
    assert outcomes.empty()
    assert gateway.port == 0
