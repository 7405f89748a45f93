"""Who is admitted: tokens, anonymous devices and origins, over real sockets."""

from __future__ import annotations

import json
import logging

import pytest
from gateway_settings import PING, bearer, open_settings
from manager_double import WAIT_S, running_gateway
from websocket_clients import (
    open_socket,
)
from websockets.exceptions import InvalidStatus

from hos_device_layer.core.rosbridge import Role
from hos_device_layer.links.gateway import (
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


def test_wrong_tokens_are_refused_and_delay_their_address(
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
        with pytest.raises(InvalidStatus, match='401'):
            open_socket(gateway, f'?token={token}')
        assert 'chmod 600' in caplog.text
