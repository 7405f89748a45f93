"""The HTTP layer, on a real server."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator

import pytest
from http_server import Handler, Server

from hos_client import http


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


@pytest.mark.parametrize('method', ['get', 'post', 'put', 'delete', 'head'])
def test_every_method(server: Server, method: str) -> None:
    seen: list[str] = []
    server.answers(
        lambda request: (seen.append(f'{request.command} {request.path}') or 201, b'hi')
    )
    answer = getattr(http, method)(server.url + '/a', query={'x': 1, 'y': 'ä b'})
    assert answer.status == 201 and answer.header['x-said'] == 'yes'
    assert answer.body == (b'' if method == 'head' else b'hi')
    assert seen == [f'{method.upper()} /a?x=1&y=%C3%A4%20b'] or seen == [
        f'{method.upper()} /a?x=1&y=%C3%A4+b'
    ]


def test_body_headers_and_password(server: Server) -> None:
    seen: list[Handler] = []
    server.answers(lambda request: (seen.append(request) or 200, b'{"a":[1]}'))
    answer = http.post(server.url, json={'n': 1}, headers={'X-Mine': 'm'}, auth=('me', 'secret'))
    assert answer.json() == {'a': [1]} and answer.text == '{"a":[1]}'
    (request,) = seen
    assert json.loads(request.body) == {'n': 1}
    assert request.headers['content-type'] == 'application/json'
    assert request.headers['x-mine'] == 'm'
    assert request.headers['authorization'] == 'Basic ' + base64.b64encode(b'me:secret').decode()


def test_an_answer_of_any_status_is_an_answer(server: Server) -> None:
    count: list[int] = []
    server.answers(lambda request: (count.append(1) or 503, b'later'))
    assert http.get(server.url, retries=3).status == 503
    assert len(count) == 1
    with pytest.raises(http.HttpError, match='not valid JSON'):
        http.get(server.url).json()


def test_attempts_without_an_answer_are_repeated(server: Server) -> None:
    attempts: list[int] = []

    def hang_up_twice(request: Handler) -> tuple[int, bytes]:
        attempts.append(1)
        if len(attempts) < 3:
            request.connection.close()
            raise ConnectionAbortedError
        return 200, b'at last'

    server.answers(hang_up_twice)
    assert http.get(server.url, retries=2, retry_delay=0.01).body == b'at last'


def test_an_error_names_the_url_without_its_secrets() -> None:
    with pytest.raises(http.HttpError) as caught:
        http.get('http://me:secret@127.0.0.1:1/path?token=hidden', timeout=1)
    assert 'http://127.0.0.1:1/path' in str(caught.value)
    assert 'secret' not in str(caught.value) and 'hidden' not in str(caught.value)
    with pytest.raises(http.HttpError):
        http.get('nonsense://')


def test_a_server_that_does_not_answer_times_out(server: Server) -> None:
    release = threading.Event()

    def hang(request: Handler) -> tuple[int, bytes]:
        release.wait()
        return 200, b''

    server.answers(hang)
    with pytest.raises(http.HttpError, match='Timeout'):
        http.get(server.url, timeout=0.1)
    release.set()


def test_a_body_that_is_too_large_is_refused(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, 'MAX_BODY_BYTES', 1000)
    server.answers(lambda request: (200, b'x' * 1001))
    with pytest.raises(http.HttpError, match='more than 1000 bytes'):
        http.get(server.url)
