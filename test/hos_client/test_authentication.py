"""Tokens of a client: where they come from, and what happens if the gateway refuses them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from gateway_clients import UID, new_client, pool
from manager_double import WAIT_S, running_gateway

from hos_client import AuthenticationError, Client, ConfigurationError
from hos_client.backoff import Backoff
from hos_device_layer.core.rosbridge import Role
from hos_device_layer.links.gateway import Gateway, GatewaySettings, TokenFile


@pytest.fixture
def tokens(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path / 'tokens.json')


@pytest.fixture
def guarded_gateway(tokens: TokenFile) -> Iterator[Gateway]:
    settings = GatewaySettings(address='0.0.0.0', port=0, token_file=tokens.path)
    with running_gateway(settings) as (gateway, _):
        yield gateway


def test_a_wrong_token_is_an_error(
    guarded_gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    """It is not retried like a lost cable, and logged once."""
    with new_client(guarded_gateway, token='hos_wrong', backoff=Backoff(0.01, 0.01)) as client:
        for _ in range(5):
            with pytest.raises(AuthenticationError, match=r'status 401: .*token'):
                client.wait_until_connected(WAIT_S)
    errors = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert sum('refused the connection' in record.message for record in errors) == 1
    assert 'hos_wrong' not in caplog.text


def test_no_token_is_an_error(guarded_gateway: Gateway) -> None:
    with (
        new_client(guarded_gateway) as client,
        pytest.raises(AuthenticationError, match='token'),
    ):
        client.wait_until_connected(WAIT_S)


def test_the_wait_after_a_wrong_token_is_the_longest() -> None:
    backoff = Backoff(1, 30, chance=lambda: 0)
    backoff.wait_longest()
    assert backoff.next() == 30


def test_the_token_of_the_environment_is_used_with_a_url(
    guarded_gateway: Gateway, tokens: TokenFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('HOS_CLIENT_TOKEN', tokens.add('bay', Role.DEVICE, (UID,), ''))
    with new_client(guarded_gateway) as client:
        assert client.wait_until_connected(WAIT_S)


def test_a_token_in_the_url_is_not_logged(
    guarded_gateway: Gateway, tokens: TokenFile, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, 'hos_client')
    token = tokens.add('bay', Role.DEVICE, (UID,), '')
    ups = threading.Event()
    url = f'ws://127.0.0.1:{guarded_gateway.port}/?token={token}'
    with Client(pool(), url, on_connect=ups.set) as client:
        assert ups.wait(WAIT_S)
        assert token not in repr(client.settings)
    refused = Client(pool(), 'ws://user:secret@127.0.0.1:1/?token=hos_x', backoff=Backoff(9, 9))
    with refused:
        assert not refused.wait_until_connected(0.05)
    with pytest.raises(ConfigurationError) as invalid:
        Client(pool(), 'http://user:secret@127.0.0.1/?token=hos_x')
    for secret in (token, 'secret', 'hos_x'):
        assert secret not in caplog.text + str(invalid.value)


def test_repeated_failures_to_connect_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    with Client(pool(), 'ws://127.0.0.1:1', backoff=Backoff(0.001, 0.001)) as client:
        assert not client.wait_until_connected(0.2)
    failures = [r for r in caplog.records if 'cannot connect' in r.message]
    assert len(failures) == 1 and failures[0].levelno == logging.WARNING
