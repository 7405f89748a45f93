"""What one connection may cost the others: over real sockets, with peers that follow no rules."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from gateway_settings import open_settings
from manager_double import WAIT_S, RunningGateway, running_gateway
from raw_websocket import HANDSHAKE, RawWebSocket, masked
from websocket_clients import STREAM, UID, hear, open_socket, ping_frame, say

from hos_device_layer.core.rosbridge import SessionLimits
from hos_device_layer.core.rosbridge.messages import DeviceStream
from hos_device_layer.core.rosbridge.session import Session
from hos_device_layer.links.gateway import Gateway, TokenFile, connection_guard, heartbeat
from hos_device_layer.links.gateway.connection_guard import FRAMES_PER_TURN

CALL = '{"op":"call_service","id":1,"service":"haive_os/connected_devices"}'
PING, PONG, FIRST_PART, MIDDLE_PART = 0x89, 0x8A, 0x01, 0x00

# A healthy call takes a millisecond; while the loop was held, it took 600.
PROMPT_S = 0.2


@contextlib.contextmanager
def flood(gateway: Gateway, frame: bytes, first: bytes = b'') -> Iterator[RawWebSocket]:
    """Send a frame again and again, as fast as the gateway reads."""
    chunk, stopping = frame * (60_000 // len(frame)), threading.Event()
    with RawWebSocket(gateway.port) as peer:
        peer.socket.settimeout(0.1)

        def send() -> None:
            position = 0
            with contextlib.suppress(ConnectionError):
                peer.socket.sendall(first)
                while not stopping.is_set():
                    with contextlib.suppress(TimeoutError):
                        position = (position + peer.socket.send(chunk[position:])) % len(frame)

        def read() -> None:
            with contextlib.suppress(ConnectionError):
                while not stopping.is_set():
                    with contextlib.suppress(TimeoutError):
                        peer.socket.recv(65536)

        threads = [threading.Thread(target=work) for work in (send, read)]
        for thread in threads:
            thread.start()
        try:
            yield peer
        finally:
            stopping.set()
            for thread in threads:
                thread.join(WAIT_S)


def median_call_s(gateway: Gateway, calls: int = 40) -> float:
    """Return how long a call of a healthy peer takes."""
    durations = []
    with open_socket(gateway) as healthy:
        for _ in range(calls):
            start = time.monotonic()
            say(healthy, CALL)
            hear(healthy)
            durations.append(time.monotonic() - start)
    return statistics.median(durations)


@pytest.mark.parametrize(
    ('first', 'frame'),
    [
        (b'', masked(PING)),
        (b'', masked(PONG)),
        (masked(FIRST_PART), masked(MIDDLE_PART)),
        (b'', masked(0x81, b'{"op":"set_level"}')),
    ],
    ids=['pings', 'pongs', 'empty fragments', 'frames without effect'],
)
def test_a_flood_of_any_kind_of_frame_does_not_hold_the_loop(
    running: RunningGateway, first: bytes, frame: bytes
) -> None:
    gateway, _ = running
    with flood(gateway, frame, first):
        assert median_call_s(gateway) < PROMPT_S


def test_a_flood_of_pings_before_a_token_does_not_hold_the_loop(tokens: TokenFile) -> None:
    settings = open_settings(tokens, allow_anonymous_devices=False)
    with (
        running_gateway(settings) as (gateway, _),
        flood(gateway, masked(PING)),
        open_socket(gateway) as healthy,
    ):
        start = time.monotonic()
        for _ in range(10):
            healthy.ping().wait(WAIT_S)
        assert time.monotonic() - start < 10 * PROMPT_S


@pytest.mark.parametrize('first', [0x81, 0x89, 0x82, 0x88])
def test_an_unmasked_frame_closes_the_connection(running: RunningGateway, first: int) -> None:
    gateway, manager = running
    with RawWebSocket(gateway.port) as peer:
        peer.say(ping_frame(5))
        assert manager.next_event() == ('ping', 5)
        peer.socket.sendall(bytes([first, 2]) + b'{}')
        code, reason = peer.hear_close()
        assert code == 1002 and 'must be masked' in reason
        assert manager.next_event() == ('closed', 5)


def test_frames_that_come_with_the_handshake_are_handled(running: RunningGateway) -> None:
    gateway, manager = running
    text = json.dumps(ping_frame(5)).encode()
    with socket.create_connection(('127.0.0.1', gateway.port), WAIT_S) as raw:
        raw.sendall(HANDSHAKE + b'\r\n' + masked(0x81, text) * 50)
        assert [manager.next_event() for _ in range(50)] == [('ping', 5)] * 50


def test_a_handshake_and_frames_may_come_byte_by_byte(running: RunningGateway) -> None:
    gateway, manager = running
    frame = masked(0x81, json.dumps(ping_frame(5)).encode())
    with socket.create_connection(('127.0.0.1', gateway.port), WAIT_S) as raw:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in HANDSHAKE + b'\r\n' + frame * 2:
            raw.sendall(bytes([byte]))
        assert [manager.next_event() for _ in range(2)] == [('ping', 5)] * 2


def test_what_a_peer_has_sent_before_it_is_gone_is_handled(running: RunningGateway) -> None:
    gateway, manager = running
    with RawWebSocket(gateway.port) as device:
        text = json.dumps(ping_frame(5)).encode()
        device.socket.sendall(masked(0x81, text) * 300)
    assert [manager.next_event() for _ in range(300)] == [('ping', 5)] * 300
    assert manager.next_event() == ('closed', 5)


@pytest.mark.parametrize('size', [10_000, 100_000, 300_000])
def test_a_peer_that_does_not_read_costs_no_other_a_message(
    running: RunningGateway, size: int
) -> None:
    gateway, manager = running
    with RawWebSocket(gateway.port, receive_buffer=4096) as idle, open_socket(gateway) as reader:
        for peer in (idle, reader):
            # The one that does not read is served first.
            text = json.dumps({'op': 'subscribe', 'topic': STREAM}).encode()
            raw = peer.socket if isinstance(peer, RawWebSocket) else None
            raw.sendall(masked(0x81, text)) if raw else say(reader, text.decode())
            say(reader, CALL)
            hear(reader)
        for n in range(20):
            gateway.publish(STREAM, DeviceStream(UID, f'{n} ' + 'x' * size))
            assert hear(reader)['msg']['data'].startswith(f'{n} ')
    assert manager.events.empty()


@pytest.mark.parametrize(
    ('frame', 'answer'), [(masked(PING), 0x8A), (masked(0x81, CALL.encode()), 0x81)]
)
def test_frames_above_the_rate_are_read_more_slowly_and_none_is_lost(
    frame: bytes, answer: int
) -> None:
    limits = SessionLimits(
        frames=5, frames_per_s=50, control_frames=5, control_frames_per_s=50, errors=100
    )
    with running_gateway(limits=limits) as (gateway, _), RawWebSocket(gateway.port) as peer:
        start = time.monotonic()
        peer.socket.sendall(frame * 30)
        answers = [peer.hear_frame()[0] for _ in range(30)]
        assert answers == [answer] * 30
        # The last group of frames is read when those before have been waited for.
        assert time.monotonic() - start > (30 - 5 - FRAMES_PER_TURN) / 50


@pytest.mark.parametrize(
    ('kind', 'handler', 'frame'),
    [
        (Session, 'receive', masked(0x81, b'{"op":"set_level"}')),
        (web.WebSocketResponse, 'pong', masked(PING)),
    ],
    ids=['texts', 'pings'],
)
def test_few_frames_of_a_peer_are_handled_in_one_iteration_of_the_loop(
    monkeypatch: pytest.MonkeyPatch, kind: type, handler: str, frame: bytes
) -> None:
    turn, frames = [0], Counter[int]()
    handle, done = getattr(kind, handler), threading.Event()

    def counted(*arguments: Any) -> Any:
        frames[turn[0]] += 1
        if frames.total() == 1_000:
            done.set()
        return handle(*arguments)

    def count_turn(loop: asyncio.AbstractEventLoop) -> None:
        turn[0] += 1
        if not done.is_set():
            loop.call_soon(count_turn, loop)

    monkeypatch.setattr(kind, handler, counted)
    limits = SessionLimits(control_frames=2_000)
    with running_gateway(limits=limits) as (gateway, _), RawWebSocket(gateway.port) as peer:
        loop = gateway._server._loop
        loop.call_soon_threadsafe(count_turn, loop)
        peer.socket.sendall(frame * 1_000)
        assert done.wait(WAIT_S)
    assert max(frames.values()) <= 16


def response(gateway: Gateway, request: bytes) -> bytes:
    """Return everything that the gateway sends until it closes the connection."""
    with socket.create_connection(('127.0.0.1', gateway.port), WAIT_S) as raw:
        raw.sendall(request)
        received = b''
        with contextlib.suppress(ConnectionResetError):
            while part := raw.recv(65536):
                received += part
        return received


def test_a_connection_serves_one_request(running: RunningGateway) -> None:
    gateway, _ = running
    request = b'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n'
    answer = response(gateway, request * 3)
    assert answer.count(b'HTTP/1.1 200') == 1 and b'Connection: close' in answer


@pytest.mark.parametrize(
    ('request_', 'status'),
    [
        (b'GET / HTTP/1.1\r\nHost: localhost\r\n' + b'A: ' + b'x' * 20_000, b'431'),
        (b'GET / HTTP/1.1\r\n' + b'A: x\r\n' * 4_000 + b'\r\n', b'431'),
        (b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', b'400'),
        (b'nonsense\r\n\r\n', b'400'),
        (b'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n', b'405'),
        (
            b'POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n',
            b'405',
        ),
    ],
    ids=['long', 'many lines', 'TLS', 'nonsense', 'no body', 'endless body'],
)
def test_a_request_that_does_not_fit_is_answered_at_once(
    running: RunningGateway, request_: bytes, status: bytes
) -> None:
    gateway, _ = running
    assert response(gateway, request_).startswith(b'HTTP/1.1 ' + status) or status == b'400'
    if status == b'400':
        assert b' 400 ' in response(gateway, request_)


def test_a_peer_that_sends_a_byte_now_and_then_is_disconnected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection_guard, 'HANDSHAKE_TIMEOUT_S', 0.5)
    with (
        running_gateway() as (gateway, _),
        socket.create_connection(('127.0.0.1', gateway.port), 0.05) as raw,
    ):
        raw.sendall(b'GET / HTTP/1.1\r\nA: ')
        with pytest.raises(ConnectionError):
            while True:
                raw.sendall(b'x')
                with contextlib.suppress(TimeoutError):
                    if raw.recv(1) == b'':
                        raise ConnectionResetError


def test_a_peer_that_does_not_read_its_file_is_disconnected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection_guard, 'RESPONSE_TIMEOUT_S', 0.3)
    with running_gateway() as (gateway, _), socket.socket() as raw:
        gateway.host_files.offer('fleet.json', b'x' * 10_000_000)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.settimeout(WAIT_S)
        raw.connect(('127.0.0.1', gateway.port))
        raw.sendall(b'GET /host/fleet.json HTTP/1.1\r\nHost: localhost\r\n\r\n')
        assert raw.recv(1, socket.MSG_PEEK)
        closed = threading.Event()
        gateway._bridge.to_gateway.put(lambda: watch_end(gateway, closed))
        assert closed.wait(WAIT_S)


def watch_end(gateway: Gateway, closed: threading.Event) -> None:
    """Set an event when the gateway has no connection any more; on its thread."""
    listener = gateway._server._listening
    if listener is not None and not listener._guards:
        closed.set()
    else:
        gateway._server._loop.call_later(0.02, watch_end, gateway, closed)


def test_idle_connections_make_room_for_others() -> None:
    settings = {'max_unfinished_per_address': 8, 'max_unfinished': 8}
    with running_gateway(**settings) as (gateway, manager), ExitStack() as sockets:
        idle = [
            sockets.enter_context(socket.create_connection(('127.0.0.1', gateway.port), WAIT_S))
            for _ in range(50)
        ]
        for uid in range(20):
            device = sockets.enter_context(open_socket(gateway))
            say(device, ping_frame(uid))
            assert manager.next_event() == ('ping', uid)
        for connection in idle[:42]:
            with contextlib.suppress(ConnectionResetError):
                assert connection.recv(1) == b''


@pytest.mark.parametrize('is_trusted', [True, False])
def test_idle_connections_of_a_trusted_proxy_make_room_only_at_the_limit_in_all(
    is_trusted: bool,
) -> None:
    settings = {
        'max_unfinished_per_address': 1,
        'max_unfinished': 3,
        'trusted_proxies': (ip_network('127.0.0.0/8'),) if is_trusted else (),
    }
    with running_gateway(**settings) as (gateway, _), ExitStack() as sockets:
        idle = [
            sockets.enter_context(socket.create_connection(('127.0.0.1', gateway.port), WAIT_S))
            for _ in range(4)
        ]
        with contextlib.suppress(ConnectionResetError):
            assert idle[0].recv(1) == b''
        with contextlib.suppress(ConnectionError):
            idle[2].sendall(HANDSHAKE + b'\r\n')
            assert (b' 101 ' in idle[2].recv(1000)) is is_trusted
            return
        assert not is_trusted


def test_a_peer_that_does_not_finish_the_handshake_of_tls_is_disconnected(
    monkeypatch: pytest.MonkeyPatch, certificate: tuple[Path, Path]
) -> None:
    monkeypatch.setattr(connection_guard, 'HANDSHAKE_TIMEOUT_S', 0.3)
    files = dict(zip(('certificate_file', 'key_file'), certificate))
    with running_gateway(**files) as (gateway, _):
        for beginning in (b'', b'\x16\x03\x01'):
            with socket.create_connection(('127.0.0.1', gateway.port), WAIT_S) as raw:
                raw.sendall(beginning)
                with contextlib.suppress(ConnectionResetError):
                    assert raw.recv(1) == b''


def test_a_peer_to_whom_the_gateway_does_not_listen_stays() -> None:
    """The device manager is busy, so nothing of this peer is read; that is not its fault."""
    with (
        running_gateway(ping_interval_s=0.2) as (gateway, manager),
        RawWebSocket(gateway.port) as device,
    ):
        busy = threading.Event()
        manager.wake(lambda: busy.wait(WAIT_S))
        text = json.dumps(ping_frame(5)).encode()
        device.socket.sendall(masked(0x81, text) * 20_000)
        looks = threading.Semaphore(0)
        gateway._server._loop.call_soon_threadsafe(count_looks, gateway, looks)
        for _ in range(3 * heartbeat._LOOKS_BEFORE_END):
            assert looks.acquire(timeout=WAIT_S)
        busy.set()
        assert [manager.next_event() for _ in range(20_000)] == [('ping', 5)] * 20_000


def count_looks(gateway: Gateway, looks: threading.Semaphore) -> None:
    """Release a semaphore each time that the heartbeat looks; on the thread of the gateway."""
    (connection,) = gateway._server._connections
    look = connection.look

    def counted() -> int:
        looks.release()
        return look()

    connection.look = counted  # type: ignore[method-assign]


def test_a_peer_that_answers_pings_stays() -> None:
    with (
        running_gateway(ping_interval_s=0.1) as (gateway, manager),
        RawWebSocket(gateway.port) as device,
    ):
        for _ in range(2 * heartbeat._LOOKS_BEFORE_END):
            assert device.hear_frame() == (PING, b'')
            device.socket.sendall(masked(PONG))
        device.say(ping_frame(5))
        assert manager.next_event() == ('ping', 5)
