"""One WebSocket: its frames in both directions, and how it ends."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import suppress

import pytest
from gateway_settings import open_settings
from manager_double import WAIT_S, RunningGateway, running_gateway
from websocket_clients import (
    STREAM,
    UID,
    close_code,
    hear,
    open_socket,
    ping_frame,
    say,
)
from websockets.exceptions import ConnectionClosed

from hos_device_layer.core.rosbridge.messages import DeviceStream
from hos_device_layer.links.gateway import (
    TokenFile,
    websocket_connection,
)


def test_frames_to_devices_are_uncompressed_and_unfragmented(running: RunningGateway) -> None:
    """One frame of text: FIN set, no extension, no mask (RFC 6455 section 5.2)."""
    gateway, _ = running
    with socket.create_connection(('127.0.0.1', gateway.port), WAIT_S) as raw:
        raw.sendall(
            b'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
            b'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n'
            b'Sec-WebSocket-Extensions: permessage-deflate\r\nOrigin: file://\r\n\r\n'
        )
        stream = raw.makefile('rb')
        head = b''
        while not head.endswith(b'\r\n\r\n'):
            head += stream.readline()
        assert b' 101 ' in head and b'deflate' not in head
        text = json.dumps({'op': 'advertise', 'topic': '/rosout'}).encode()
        mask = b'\x01\x02\x03\x04'
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(text))
        raw.sendall(bytes([0x81, 0x80 | len(text)]) + mask + masked)
        first, length = stream.read(2)
        assert first == 0x81
        size = int.from_bytes(stream.read(2), 'big') if length == 126 else length
        assert json.loads(stream.read(size))['op'] == 'status'


def test_a_peer_that_does_not_answer_pings_is_disconnected() -> None:
    """Its socket stays open, but nobody answers: switched off, or out of reach."""
    with (
        running_gateway(ping_interval_s=0.2) as (gateway, manager),
        socket.create_connection(('127.0.0.1', gateway.port), WAIT_S) as raw,
    ):
        raw.sendall(
            b'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
            b'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n'
        )
        text = json.dumps(ping_frame()).encode()
        raw.sendall(bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text)
        assert manager.next_event() == ('ping', UID)
        assert manager.next_event() == ('closed', UID)


def test_a_closed_socket_is_reported(running: RunningGateway) -> None:
    gateway, manager = running
    with open_socket(gateway) as device:
        say(device, ping_frame())
        assert manager.next_event() == ('ping', UID)
        device.socket.shutdown(socket.SHUT_RDWR)
        assert manager.next_event() == ('closed', UID)


def test_a_huge_frame_closes_only_its_own_socket(running: RunningGateway) -> None:
    gateway, manager = running
    with open_socket(gateway) as neighbour, open_socket(gateway) as peer:
        # Only its beginning, which announces 10 MB: where data was left unread, TCP may drop the
        # close frame.
        peer.socket.sendall(b'\x81\xff' + (10_000_000).to_bytes(8, 'big') + b'\0\0\0\0[')
        assert close_code(peer)[0] == 1009
        with open_socket(gateway) as insistent, suppress(ConnectionClosed):
            insistent.send('[' + ' ' * 10_000_000 + ']')
        say(neighbour, ping_frame())
        assert manager.next_event() == ('ping', UID)


def test_a_binary_frame_is_refused(running: RunningGateway) -> None:
    gateway, _ = running
    with open_socket(gateway) as peer:
        peer.send(b'\x00\x01')
        frame = hear(peer)
        assert frame['op'] == 'status' and 'binary' in frame['msg']


def test_too_many_errors_close_the_connection_with_a_reason(running: RunningGateway) -> None:
    gateway, _ = running
    with open_socket(gateway) as peer:
        for n in range(10_000):
            try:
                say(peer, {'op': 'advertise', 'topic': f'/spam{n}'})
            except ConnectionClosed:
                break
        code, reason = close_code(peer)
        assert code == 4429 and 'too many' in reason


def test_a_flood_from_one_device_does_not_block_others(running: RunningGateway) -> None:
    gateway, _ = running
    stop = threading.Event()

    def flood() -> None:
        with open_socket(gateway) as device:
            while not stop.is_set():
                say(device, ping_frame(1))

    flooding = threading.Thread(target=flood)
    flooding.start()
    try:
        with open_socket(gateway) as device:
            for n in range(20):
                say(
                    device,
                    {
                        'op': 'call_service',
                        'id': n,
                        'service': 'haive_os/device/connect',
                        'args': {'uid': UID},
                    },
                )
                assert hear(device)['id'] == n
    finally:
        stop.set()
        flooding.join(WAIT_S)
    assert not flooding.is_alive()


def test_a_peer_that_does_not_read_is_disconnected(running: RunningGateway) -> None:
    gateway, manager = running
    with open_socket(gateway, max_queue=1) as page, open_socket(gateway) as neighbour:
        say(page, {'op': 'subscribe', 'topic': STREAM})
        say(page, ping_frame(5))
        assert manager.next_event() == ('ping', 5)
        for _ in range(200):
            gateway.publish(STREAM, DeviceStream(UID, 'x' * 100_000))
        # Its seat is free: the session has ended, without waiting for a ping that fails.
        assert manager.next_event() == ('closed', 5)
        say(neighbour, ping_frame())
        assert manager.next_event() == ('ping', UID)


def test_a_wrong_token_in_a_frame_closes_the_connection(tokens: TokenFile) -> None:
    with running_gateway(open_settings(tokens)) as (gateway, _), open_socket(gateway) as device:
        device.send('{"op":"auth","token":"guess"}')
        with pytest.raises(ConnectionClosed):
            device.recv(WAIT_S)
        assert device.close_code == 4401


def test_a_peer_that_sends_no_token_in_time_is_disconnected(
    tokens: TokenFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket_connection, 'TOKEN_TIMEOUT_S', 0.2)
    with running_gateway(open_settings(tokens)) as (gateway, _), open_socket(gateway) as device:
        with pytest.raises(ConnectionClosed):
            device.recv(WAIT_S)
        assert device.close_code == 4408
