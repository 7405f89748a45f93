"""Log lines that peers cause."""

from __future__ import annotations

import contextlib
import logging
import socket
from types import SimpleNamespace

import pytest
from gateway_settings import bearer, open_settings
from manager_double import WAIT_S, running_gateway
from raw_websocket import HANDSHAKE
from websocket_clients import open_socket
from websockets.exceptions import InvalidStatus

from hos_device_layer.links.gateway import TokenFile, bounded_log
from hos_device_layer.links.gateway.bounded_log import BoundedLog, bounded_logging


def test_lines_above_the_limit_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 10.0
    monkeypatch.setattr(bounded_log.time, 'monotonic', lambda: now)
    bound = BoundedLog(lines=2)
    records = [
        logging.LogRecord('x', logging.WARNING, '', 0, '%s: 100%%', ('10.0.0.7',), None)
        for _ in range(6)
    ]
    assert [bound.filter(record) for record in records[:5]] == [True, True, False, False, False]
    now = 11.0
    assert bound.filter(records[5])
    assert records[5].getMessage() == '10.0.0.7: 100% (3 lines before not logged)'


def test_the_libraries_are_bounded_while_the_gateway_runs(
    caplog: pytest.LogCaptureFixture,
) -> None:
    logger = logging.getLogger('aiohttp.server')
    before = list(logger.filters)
    with bounded_logging():
        for _ in range(1_000):
            logger.warning('an invalid request')
    assert 0 < len(caplog.records) <= 20
    assert logger.filters == before


TOKEN = b'hos_secret'


@pytest.mark.parametrize(
    'request_',
    [
        HANDSHAKE.replace(b'GET / ', b'GET /?token=%b ' % TOKEN) + b'\r\n',
        HANDSHAKE.replace(b'GET / ', b'GET /?token=%b ' % TOKEN).replace(b': 13', b': 99')
        + b'\r\n',
        b'GET /nowhere?token=%b HTTP/1.1\r\nHost: localhost\r\n\r\n' % TOKEN,
        b'GET /?token=%b HTTP/1.1\r\nHost: evil\r\nOrigin: null\r\n\r\n' % TOKEN,
        b'GET /?token=%b HTTP/9.9x\r\nHost: localhost\r\n\r\n' % TOKEN,
        b'GET /?token=%b x HTTP/1.1\r\nHost: localhost\r\n\r\n' % TOKEN,
        b'G?T /?token=%b HTTP/1.1\r\nHost: localhost\r\n\r\n' % TOKEN,
        b'GET http://[?token=%b HTTP/1.1\r\nHost: localhost\r\n\r\n' % TOKEN,
        b'GET /?token=%b HTTP/1.1\r\nHost: localhost\r\nnonsense\r\n\r\n' % TOKEN,
        b'GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %b\1\r\n\r\n' % TOKEN,
    ],
)
def test_no_request_puts_its_token_into_the_log(
    tokens: TokenFile, caplog: pytest.LogCaptureFixture, request_: bytes
) -> None:
    """Also not in an error of the HTTP library, which quotes what it cannot read."""
    caplog.set_level(logging.NOTSET)
    with (
        running_gateway(open_settings(tokens)) as (gateway, _),
        socket.create_connection(('127.0.0.1', gateway.port), WAIT_S) as peer,
    ):
        peer.sendall(request_)
        with contextlib.suppress(ConnectionResetError):
            while peer.recv(65536):
                pass
    assert 'secret' not in caplog.text
    assert 'Traceback' not in caplog.text


def test_an_invalid_request_is_one_line_with_its_address(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with (
        running_gateway() as (gateway, _),
        socket.create_connection(('127.0.0.1', gateway.port), WAIT_S) as peer,
    ):
        peer.sendall(b'GET / x HTTP/1.1\r\n\r\n')
        assert b' 400 ' in peer.recv(65536)
    (record,) = (r for r in caplog.records if r.levelno >= logging.WARNING)
    assert record.getMessage() == 'Error handling request from 127.0.0.1: BadStatusLine'


def test_wrong_tokens_cause_at_most_ten_lines_a_second(
    tokens: TokenFile, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_log, 'time', SimpleNamespace(monotonic=lambda: 10.0))
    with running_gateway(open_settings(tokens)) as (gateway, _):
        for _ in range(30):
            with pytest.raises(InvalidStatus, match='401'):
                open_socket(gateway, additional_headers=bearer('guess'))
    lines = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert lines == ['127.0.0.1: wrong token'] * 10
