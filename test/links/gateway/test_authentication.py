"""Who is admitted: tokens, anonymous devices and origins, over real sockets."""

from __future__ import annotations

import http.client
import ipaddress
import json
import logging
import socket
from contextlib import ExitStack
from typing import Any

import pytest
from gateway_settings import PING, bearer, open_settings
from manager_double import WAIT_S, running_gateway
from websocket_clients import (
    open_socket,
)
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection

from hos_device_layer.core.rosbridge import Role
from hos_device_layer.links.gateway import (
    Gateway,
    TokenError,
    TokenFile,
)


def test_a_token_can_be_sent_in_a_header_the_url_or_a_frame(tokens: TokenFile) -> None:
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


def test_wrong_tokens_are_refused_and_hinder_nobody_else(
    tokens: TokenFile, caplog: pytest.LogCaptureFixture
) -> None:
    """A revoked board, or a web page of an attacker, shares its address with a whole site."""
    token = tokens.add('bay 1', Role.DEVICE, None, '')
    with running_gateway(open_settings(tokens)) as (gateway, manager):
        for n in range(200):
            with pytest.raises(InvalidStatus, match='401'):
                open_socket(gateway, additional_headers=bearer(f'guess{n}'))
        with open_socket(gateway, additional_headers=bearer(token)) as device:
            device.send(PING)
            assert manager.next_event() == ('ping', 5)
        with open_socket(gateway) as device:
            device.send(json.dumps({'op': 'auth', 'token': token}))
            device.send(PING)
            while (event := manager.next_event()) != ('ping', 5):
                assert event == ('closed', 5)
    lines = [record for record in caplog.records if 'wrong token' in record.getMessage()]
    assert 0 < len(lines) < 100
    assert 'guess' not in caplog.text and token not in caplog.text


def test_peers_without_a_token_do_not_take_the_place_of_others(tokens: TokenFile) -> None:
    token = tokens.add('bay 1', Role.DEVICE, None, '')
    settings = open_settings(tokens, allow_anonymous_devices=True, max_connections_per_address=1)
    with running_gateway(settings) as (gateway, _), open_socket(gateway):
        with pytest.raises(InvalidStatus, match='503'):
            open_socket(gateway)
        with (
            open_socket(gateway, additional_headers=bearer(token)),
            pytest.raises(InvalidStatus, match='503'),
        ):
            open_socket(gateway, additional_headers=bearer(token))


def test_the_number_of_peers_without_a_token_is_limited(tokens: TokenFile) -> None:
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


def test_peers_without_a_token_at_many_addresses_leave_room_for_tokens(tokens: TokenFile) -> None:
    token = tokens.add('bay 1', Role.DEVICE, None, '')
    settings = open_settings(
        tokens, trusted_proxies=(PROXIES,), max_connections=5, max_unauthenticated=2
    )
    with running_gateway(settings) as (gateway, _), ExitStack() as sockets:

        def enter(address: str, **options: Any) -> ClientConnection:
            headers = {'X-Forwarded-For': address, **options}
            return sockets.enter_context(open_socket(gateway, additional_headers=headers))

        waiting = [enter(f'10.0.0.{n}') for n in range(2)]
        with pytest.raises(InvalidStatus, match='429'):
            enter('10.0.0.2')
        enter('10.0.0.3', **bearer(token))
        # The place of a peer is free when it has sent its token.
        waiting[0].send(json.dumps({'op': 'auth', 'token': token}))
        waiting[0].send('{}')
        assert json.loads(waiting[0].recv(WAIT_S))['op'] == 'status'
        enter('10.0.0.4')
        enter('10.0.0.5', **bearer(token))
        with pytest.raises(InvalidStatus, match='503'):
            enter('10.0.0.6', **bearer(token))


def test_anonymous_devices_connect_if_they_are_allowed(tokens: TokenFile) -> None:
    settings = open_settings(tokens, allow_anonymous_devices=True)
    with running_gateway(settings) as (gateway, manager), open_socket(gateway) as device:
        device.send(PING)
        assert manager.next_event() == ('ping', 5)
        device.send('{"op":"call_service","id":"1","service":"haive_os/connected_devices"}')
        assert json.loads(device.recv(WAIT_S))['result'] is False


@pytest.mark.parametrize(
    ('origin', 'welcome'),
    [('https://lab.example', True), ('https://evil.example', False), ('null', False)],
)
def test_web_pages_of_other_origins_are_refused(origin: str, welcome: bool) -> None:
    with running_gateway(allowed_origins=('https://lab.example',)) as (gateway, _):
        if welcome:
            with open_socket(gateway, origin=origin) as page:
                page.send('{}')
                assert json.loads(page.recv(WAIT_S))['op'] == 'status'
        else:
            with pytest.raises(InvalidStatus, match='403'):
                open_socket(gateway, origin=origin)


def test_a_token_file_that_others_can_read_admits_nobody(
    tokens: TokenFile, caplog: pytest.LogCaptureFixture
) -> None:
    token = tokens.add('bay 1', Role.DEVICE, None, '')
    tokens.path.chmod(0o644)
    with pytest.raises(TokenError, match='chmod 600'):
        tokens.authenticate(token)
    with running_gateway(open_settings(tokens)) as (gateway, _), caplog.at_level(logging.ERROR):
        with pytest.raises(InvalidStatus, match='503'):
            open_socket(gateway, f'?token={token}')
        assert 'chmod 600' in caplog.text


CALL = '{"op":"call_service","id":"1","service":"haive_os/connected_devices"}'
REQUIRED = 'this gateway requires a token'
PROXIES = ipaddress.ip_network('127.0.0.0/8')


def answer_to_a_call(gateway: Gateway, **headers: str) -> str:
    """Ask for the devices; returns the refusal, or an empty text."""
    options = {name.replace('_', '-'): value for name, value in headers.items()}
    with open_socket(gateway, additional_headers=options) as peer:
        peer.send(CALL)
        text = str(peer.recv(WAIT_S))
        return text if 'requires a token' in text or 'reading requires' in text else ''


@pytest.mark.parametrize(
    'headers',
    [
        {'X_Forwarded_For': '10.0.0.7'},
        {'Forwarded': 'for=10.0.0.7'},
        {'Via': '1.1 proxy'},
        {'X_Real_IP': '127.0.0.1'},
        {'Sec_Fetch_Site': 'cross-site'},
        {'Origin': 'https://lab.example'},
    ],
)
def test_only_programs_on_the_same_computer_are_operators_without_a_token(
    headers: dict[str, str],
) -> None:
    with running_gateway(allowed_origins=('https://lab.example',)) as (gateway, _):
        assert answer_to_a_call(gateway) == ''
        assert REQUIRED in answer_to_a_call(gateway, **headers)


def test_a_page_of_a_file_is_a_device_at_most() -> None:
    """Firmware sends this origin, but so do some browsers for a page on their disk."""
    with running_gateway() as (gateway, manager):
        assert 'operator or viewer' in answer_to_a_call(gateway, Origin='file://')
        with open_socket(gateway, origin='file://') as device:
            device.send(PING)
            assert manager.next_event() == ('ping', 5)


def test_an_own_page_is_as_the_programs_of_its_user() -> None:
    with running_gateway() as (gateway, _):
        assert answer_to_a_call(gateway, Origin=f'http://127.0.0.1:{gateway.port}') == ''


def test_an_own_page_needs_a_token_when_the_programs_of_its_user_do() -> None:
    with running_gateway(require_token=True) as (gateway, _):
        origin = f'http://127.0.0.1:{gateway.port}'
        assert REQUIRED in answer_to_a_call(gateway, Origin=origin)


def test_programs_on_the_same_computer_may_be_asked_for_a_token(tokens: TokenFile) -> None:
    token = tokens.add('shift', Role.OPERATOR, None, '')
    with running_gateway(token_file=tokens.path, require_token=True) as (gateway, _):
        assert REQUIRED in answer_to_a_call(gateway)
        assert answer_to_a_call(gateway, **bearer(token)) == ''


def test_a_trusted_proxy_tells_the_address_of_the_peer(
    tokens: TokenFile, caplog: pytest.LogCaptureFixture
) -> None:
    settings = open_settings(tokens, trusted_proxies=(PROXIES,), max_unauthenticated_per_address=1)
    with running_gateway(settings) as (gateway, _):
        here, there = ({'X-Forwarded-For': address} for address in ('10.0.0.7', '10.0.0.8'))
        with open_socket(gateway, additional_headers=here):
            with pytest.raises(InvalidStatus, match='429'):
                open_socket(gateway, additional_headers=here)
            with open_socket(gateway, additional_headers=there):
                pass
        with pytest.raises(InvalidStatus, match='401'):
            open_socket(gateway, '?token=guess', additional_headers=here)
        with pytest.raises(InvalidStatus, match='400'):
            open_socket(gateway, additional_headers=here | {'Forwarded': 'for=10.0.0.9'})
    assert '10.0.0.7: wrong token' in caplog.text


def test_nobody_else_tells_the_address_of_a_peer(
    tokens: TokenFile, caplog: pytest.LogCaptureFixture
) -> None:
    header = {'X-Forwarded-For': '10.0.0.7'}
    with (
        running_gateway(open_settings(tokens)) as (gateway, _),
        pytest.raises(InvalidStatus, match='401'),
    ):
        open_socket(gateway, '?token=guess', additional_headers=header)
    assert '127.0.0.1: wrong token' in caplog.text


def status(gateway: Gateway, path: str, **headers: str) -> int:
    """Return the status of an HTTP request."""
    connection = http.client.HTTPConnection('127.0.0.1', gateway.port, timeout=WAIT_S)
    try:
        connection.putrequest('GET', path, skip_host=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize('path', ['/', '/host/fleet.json', '/nowhere'])
@pytest.mark.parametrize(
    ('headers', 'code'),
    [
        ({'Host': 'evil.example'}, 421),
        ({'Host': 'evil.example', 'Origin': 'http://evil.example'}, 403),
        ({'Host': 'localhost', 'Origin': 'http://evil.example'}, 403),
        ({'Host': 'localhost', 'Origin': 'null'}, 403),
        ({}, 400),  # HTTP 1.1 requires it
        ({'Host': ''}, 421),
        ({'Host': '['}, 421),
        ({'Host': 'localhost'}, 200),
        ({'Host': 'localhost:1'}, 200),
        ({'Host': '10.0.0.7:9091'}, 200),
        ({'Host': '[::1]:9091'}, 200),
        ({'Host': 'HOS.lab.example:9091'}, 200),
        ({'Host': 'hos.lab.example', 'Origin': 'https://lab.example'}, 200),
    ],
)
def test_a_request_must_be_for_a_name_of_the_gateway(
    path: str, headers: dict[str, str], code: int
) -> None:
    """A host name of an attacker may lead a browser to this computer: DNS rebinding."""
    with running_gateway(
        allowed_hosts=('hos.lab.example',), allowed_origins=('https://lab.example',)
    ) as (gateway, _):
        gateway.host_files.offer('fleet.json', b'{}')
        if code == 200:
            code = {'/nowhere': 404, '/': 200}.get(path, 401 if 'Origin' in headers else 200)
        assert status(gateway, path, **headers) == code


@pytest.mark.parametrize('suffix', ['', '.local', '.LOCAL:9091'])
def test_the_name_of_the_computer_is_one_of_the_gateway(suffix: str) -> None:
    with running_gateway() as (gateway, _):
        assert status(gateway, '/', Host=socket.gethostname() + suffix) == 200
        assert status(gateway, '/', Host=socket.gethostname() + '.example') == 421


def test_the_address_of_the_gateway_and_the_hosts_of_origins_are_names_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolve = socket.getaddrinfo
    monkeypatch.setattr(
        socket, 'getaddrinfo', lambda _, *rest, **more: resolve('127.0.0.1', *rest, **more)
    )
    origins = ('https://page.example:8443',)
    with running_gateway(address='Gateway.example', allowed_origins=origins) as (gateway, _):
        for host, code in (
            ('gateway.example', 200),
            ('page.example', 200),
            ('other.example', 421),
        ):
            assert status(gateway, '/', Host=host) == code


def test_a_token_opens_the_gateway_by_any_name(tokens: TokenFile) -> None:
    token = tokens.add('bay 1', Role.DEVICE, (5,), '')
    with running_gateway(open_settings(tokens)) as (gateway, _):
        gateway.host_files.offer('fleet.json', b'{}')
        path, host = '/host/fleet.json', {'Host': 'gateway.lab.example'}
        assert status(gateway, path, **host) == 421
        assert status(gateway, path, **host, **bearer(token)) == 200
        assert status(gateway, path, **host, **bearer('guess')) == 401


def test_a_request_without_a_host_asks_no_name_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """`Request.host` of aiohttp would, and hold the loop as long as that takes."""
    with running_gateway() as (gateway, _):
        asked: list[str] = []
        monkeypatch.setattr(socket, 'getfqdn', lambda *_: asked.append('getfqdn') or '')
        with socket.create_connection(('127.0.0.1', gateway.port), WAIT_S) as raw:
            raw.sendall(b'GET /host/fleet.json HTTP/1.0\r\n\r\n')
            assert b' 421 ' in raw.recv(1000)
        assert not asked
