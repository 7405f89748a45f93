"""One WebSocket: its frames in both directions, and how it ends."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

import pytest
from gateway_settings import open_settings
from manager_double import WAIT_S, RunningGateway, running_gateway
from raw_websocket import RawWebSocket, masked
from websocket_clients import (
    SERIALIZED,
    STREAM,
    UID,
    close_code,
    hear,
    open_socket,
    ping_frame,
    say,
)
from websockets.exceptions import ConnectionClosed

from hos_device_layer.core.dispatch.commands import Command
from hos_device_layer.core.rosbridge.device_channel import WINDOW
from hos_device_layer.core.rosbridge.messages import DeviceStream
from hos_device_layer.core.rosbridge.session import MAX_UNSENT
from hos_device_layer.core.spec.records import Function
from hos_device_layer.links.gateway import (
    Gateway,
    TokenFile,
    websocket_connection,
)


def test_frames_to_devices_are_uncompressed_and_unfragmented(running: RunningGateway) -> None:
    gateway, _ = running
    headers = b'Sec-WebSocket-Extensions: permessage-deflate\r\nOrigin: file://\r\n'
    with RawWebSocket(gateway.port, headers) as raw:
        assert b' 101 ' in raw.response and b'deflate' not in raw.response
        raw.say({'op': 'advertise', 'topic': '/rosout'})
        assert raw.hear()['op'] == 'status'


def test_a_peer_that_does_not_answer_pings_is_disconnected() -> None:
    """Its socket stays open, but nobody answers: switched off, or out of reach."""
    with (
        running_gateway(ping_interval_s=0.2) as (gateway, manager),
        RawWebSocket(gateway.port) as raw,
    ):
        raw.say(ping_frame())
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


def test_the_handshake_tells_the_largest_frame_that_is_accepted() -> None:
    with running_gateway(max_frame_bytes=20_000) as (gateway, _), open_socket(gateway) as peer:
        assert peer.response is not None
        assert peer.response.headers['Hos-Max-Frame-Bytes'] == '20000'
        peer.send('"' + 'x' * 19_998 + '"')
        assert hear(peer)['op'] == 'status'
        peer.send('"' + 'x' * 19_999 + '"')
        assert close_code(peer)[0] == 1009


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


def test_the_connection_of_a_slow_reader_is_cut_without_a_close_frame(
    running: RunningGateway,
) -> None:
    """It would read the close frame after everything else, if at all."""
    gateway, manager = running
    with RawWebSocket(gateway.port, receive_buffer=4096) as page:
        page.say({'op': 'subscribe', 'topic': STREAM})
        page.say(ping_frame(5))
        assert manager.next_event() == ('ping', 5)
        for _ in range(MAX_UNSENT // 1_000 + 1_000):
            gateway.publish(STREAM, DeviceStream(UID, 'x' * 1_000))
        assert manager.next_event() == ('closed', 5)
        frames = []
        # Nothing more comes, perhaps in the middle of a frame.
        with suppress(ConnectionResetError, ValueError):
            while True:
                frames.append(page.hear_frame()[0])
        assert set(frames) <= {0x81}


@pytest.mark.parametrize(
    ('frame', 'code'),
    [
        (masked(0x83, b'x'), 1002),  # a reserved opcode
        (masked(0xC1, b'x'), 1002),  # a reserved bit
        (masked(0x80, b'x'), 1002),  # the end of a message that has not begun
        (masked(0x09), 1002),  # a ping in parts
        (masked(0x89, b'x' * 126), 1002),  # a long ping
        (masked(0x81, b'\xff\xfe'), 1007),
    ],
)
def test_a_frame_that_breaks_the_protocol_closes_its_connection(
    running: RunningGateway, frame: bytes, code: int
) -> None:
    gateway, _ = running
    with RawWebSocket(gateway.port) as peer:
        peer.socket.sendall(frame)
        assert peer.hear_close()[0] == code


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


def test_a_command_that_a_peer_has_not_read_can_be_withdrawn(running: RunningGateway) -> None:
    gateway, manager = running
    count = 100
    with RawWebSocket(gateway.port, receive_buffer=4096) as device:
        device.say({'op': 'advertise_service', 'service': SERIALIZED})
        device.say(ping_frame())
        assert manager.next_event() == ('ping', UID)
        for cmd_id in range(count):
            gateway.send(drawing(cmd_id, 9_000))
        for cmd_id in range(count):
            gateway.withdraw(UID, cmd_id)
        wait_for_gateway(gateway)
        device.say(ping_frame())
        assert manager.next_event() == ('ping', UID)
        gateway.send(drawing(count, 1))
        received = [device.hear()['args']['cmd_id']]
        while received[-1] != count:
            received.append(device.hear()['args']['cmd_id'])
    # Of these 900 kB only what fits into the buffer of the peer was sent before.
    assert len(received) < count / 10
    assert received == [*range(len(received) - 1), count]


def test_few_commands_are_late_at_a_peer_that_does_not_read(running: RunningGateway) -> None:
    gateway, manager = running
    count = 1000
    with RawWebSocket(gateway.port) as device:
        device.say({'op': 'advertise_service', 'service': SERIALIZED})
        device.say(ping_frame())
        assert manager.next_event() == ('ping', UID)
        for cmd_id in range(count):
            gateway.send(drawing(cmd_id, 1))
        for cmd_id in range(count):
            gateway.withdraw(UID, cmd_id)
        wait_for_gateway(gateway)
        late = [device.hear()['args']['cmd_id'] for _ in range(WINDOW)]
        # It has read them: now another one is sent, and none of those that waited.
        gateway.send(drawing(count, 1))
        device.say(ping_frame())
        assert device.hear()['args']['cmd_id'] == count
    assert late == [*range(WINDOW)]


def wait_for_gateway(gateway: Gateway) -> None:
    """Wait until the gateway has done what it was asked for before."""
    done = threading.Event()
    gateway._bridge.to_gateway.put(done.set)
    assert done.wait(WAIT_S)


def drawing(cmd_id: int, size: int) -> Command:
    return Command(cmd_id, UID, Function('draw'), (), 'x' * size)
