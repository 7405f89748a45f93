"""The driver for devices with an HTTP API, on a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fake_fleet import UID, fleet, row
from http_server import Server

from hos_client.host import Action, ActionError
from hos_client.host.detected import describe
from hos_client.host.drivers.http_device import HttpDriver


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


def driver(url: str) -> HttpDriver:
    device = describe('scale', 'network', {'url': url}, row(device_type='Balance'), fleet())
    assert HttpDriver.supported(device)
    return HttpDriver('scale', device)


def test_an_http_command(server: Server) -> None:
    seen: list[Any] = []
    server.answers(
        lambda request: (
            seen.append(json.loads(request.body)) or 200,
            b'{"success":true,"result":{"mass":1.5}}',
        )
    )
    action = Action(7, 'balance_weigh', {'n': 1})
    assert driver(server.url + '/command').action(action) == {'mass': 1.5}
    assert seen == [{'cmd_id': 7, 'function': 'balance_weigh', 'args': {'n': 1}}]


@pytest.mark.parametrize(
    ('answer', 'expected'),
    [
        ((200, b'{"success":false,"error":"door open"}'), 'door open'),
        ((200, b'{}'), 'no reason given'),
        ((200, b'[]'), 'got status 200'),
        ((200, b'<html>'), 'not valid JSON'),
        ((500, b'oops'), "got status 500: 'oops'"),
    ],
)
def test_a_failed_http_command(server: Server, answer: tuple[int, bytes], expected: str) -> None:
    server.answers(lambda request: answer)
    with pytest.raises(ActionError, match=expected):
        driver(server.url).action(Action(UID, 'balance_weigh'))
