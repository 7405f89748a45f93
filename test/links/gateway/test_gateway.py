"""The gateway over real sockets: what firmware, browsers and misbehaving peers do to it."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest
from manager_double import WAIT_S, ManagerDouble, running_gateway
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from hos_device_layer.core.dispatch.commands import Command
from hos_device_layer.core.dispatch.effects import ConnectedDevice
from hos_device_layer.core.rosbridge import SessionLimits
from hos_device_layer.core.rosbridge.messages import DeviceStream
from hos_device_layer.core.spec.records import FleetDevice, Function
from hos_device_layer.links.gateway import Gateway, GatewayError, GatewaySettings, server

UID = 10758656
SERIALIZED = f'haive_os/device/uid{UID}/serialized_command'
DEVICE = FleetDevice('H4001', UID, 'DeltaHaive', 'lab')
STREAM = f'haive_os/device/uid{UID}/stream/temperature'

Running = tuple[Gateway, ManagerDouble]


@pytest.fixture
def running() -> Iterator[Running]:
    with running_gateway() as pair:
        yield pair


def open_socket(gateway: Gateway, **options: Any) -> ClientConnection:
    return connect(f'ws://127.0.0.1:{gateway.port}/', compression=None, **options)


def say(client: ClientConnection, frame: Any) -> None:
    client.send(frame if isinstance(frame, str) else json.dumps(frame))


def hear(client: ClientConnection) -> Any:
    return json.loads(client.recv(timeout=WAIT_S))


def close_code(client: ClientConnection) -> tuple[int | None, str]:
    """Wait for the server to close."""
    with pytest.raises(ConnectionClosed):
        while True:
            client.recv(timeout=WAIT_S)
    return client.close_code, client.close_reason or ''


def ping_frame(uid: int = UID) -> dict[str, Any]:
    return {'op': 'publish', 'topic': 'haive_os/device/ping', 'msg': {'data': uid}}


def test_firmware_session_over_a_socket(running: Running) -> None:
    gateway, manager = running
    with open_socket(
        gateway, subprotocols=['arduino'], origin='file://', user_agent_header=None
    ) as device:
        assert device.subprotocol == 'arduino'
        assert device.response is not None
        assert 'Sec-WebSocket-Extensions' not in device.response.headers
        say(
            device,
            '{"op":"advertise_service","type":"hos_interfaces/SerializedDeviceCommand",'
            f'"service":"{SERIALIZED}"}}',
        )
        say(
            device,
            '{"op":"call_service","service":"haive_os/device/connect","args":{"uid":10758656}}',
        )
        assert device.recv(timeout=WAIT_S) == (
            '{"op":"service_response","service":"haive_os/device/connect",'
            '"values":{"success":true,"error":""},"result":true}'
        )
        say(device, ping_frame())
        assert manager.next_event() == ('connect', UID)
        assert manager.next_event() == ('ping', UID)
        gateway.send(Command(0, UID, Function('my_test_function'), (), 'A2B3'))
        assert device.recv(timeout=WAIT_S) == (
            f'{{"op":"call_service","id":"service_request:{SERIALIZED}:1",'
            f'"service":"{SERIALIZED}",'
            '"args":{"cmd_id":0,"serialized_command":"A2B3","function_name":"my_test_function"}}'
        )
        say(
            device,
            f'{{"op":"service_response","id":"service_request:{SERIALIZED}:1",'
            f'"service":"{SERIALIZED}","values":{{"is_valid":true,"error":""}},"result":true}}',
        )
        say(
            device,
            '{"op":"publish","topic":"haive_os/device/command_result",'
            '"msg":{"uid":10758656,"cmd_id":0,"success":true,"error":"","result_str":"V5"}}',
        )
        assert manager.next_event() == ('answered', 0, True, '')
        assert manager.next_event() == ('result', UID, 0, True, '', 'V5')
    assert manager.next_event() == ('closed', UID)


def test_frames_to_devices_are_small_plain_and_whole(running: Running) -> None:
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


def test_a_silent_peer_is_noticed() -> None:
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


def test_a_cut_connection_is_known_at_once(running: Running) -> None:
    gateway, manager = running
    with open_socket(gateway) as device:
        say(device, ping_frame())
        assert manager.next_event() == ('ping', UID)
        device.socket.shutdown(socket.SHUT_RDWR)
        assert manager.next_event() == ('closed', UID)


def test_callers_and_listeners(running: Running) -> None:
    gateway, manager = running
    manager.devices = (ConnectedDevice(UID, DEVICE, 1.5),)
    with open_socket(gateway) as page:
        say(page, {'op': 'call_service', 'id': '1', 'service': '/haive_os/connected_devices'})
        assert hear(page)['values'] == {
            'device_infos': [
                {
                    'device_id': 'H4001',
                    'device_uid': UID,
                    'device_type': 'DeltaHaive',
                    'event_time_s': 1.5,
                }
            ]
        }
        say(page, {'op': 'subscribe', 'topic': STREAM})
        say(
            page,
            {
                'op': 'call_service',
                'id': '2',
                'service': 'haive_os/device/api_call',
                'args': {'device_id': 'H4001', 'function_name': 'home', 'args': []},
            },
        )
        assert hear(page)['values'] == {'is_valid': True, 'error': '', 'task_id': 7}
        assert gateway.is_wanted(STREAM) and not gateway.is_wanted('haive_os/device/timeout')
        gateway.publish(STREAM, DeviceStream(UID, 'V21'))
        assert hear(page) == {'op': 'publish', 'topic': STREAM, 'msg': {'uid': UID, 'data': 'V21'}}


def test_a_huge_frame_closes_its_socket_only(running: Running) -> None:
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


def test_binary_frames_get_a_status(running: Running) -> None:
    gateway, _ = running
    with open_socket(gateway) as peer:
        peer.send(b'\x00\x01')
        frame = hear(peer)
        assert frame['op'] == 'status' and 'binary' in frame['msg']


def test_too_many_errors_close_with_a_reason(running: Running) -> None:
    gateway, _ = running
    with open_socket(gateway) as peer:
        for n in range(10_000):
            try:
                say(peer, {'op': 'advertise', 'topic': f'/spam{n}'})
            except ConnectionClosed:
                break
        code, reason = close_code(peer)
        assert code == 4429 and 'too many' in reason


def test_a_handshake_that_is_never_finished_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, 'HANDSHAKE_TIMEOUT_S', 0.3)
    with running_gateway() as (gateway, _):
        for beginning in (b'', b'GET / HTTP/1.1\r\nHost: x\r\n'):
            with socket.create_connection(('127.0.0.1', gateway.port), WAIT_S) as raw:
                raw.sendall(beginning)
                assert raw.recv(1) == b''


def test_a_flood_from_one_device_leaves_room_for_others(running: Running) -> None:
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


def test_a_reader_that_does_not_read_is_cut_off(running: Running) -> None:
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


def test_a_newer_session_closes_the_older(running: Running) -> None:
    gateway, manager = running
    with open_socket(gateway) as older, open_socket(gateway) as newer:
        for device in (older, newer):
            say(device, {'op': 'advertise_service', 'service': SERIALIZED})
            say(device, {'op': 'publish', 'topic': '/haive_os/device/ping', 'msg': {'data': UID}})
            assert manager.next_event() == ('ping', UID)
        assert close_code(older)[0] == 4409
        gateway.send(Command(1, UID, Function('f'), (), 'A'))
        assert hear(newer)['args']['cmd_id'] == 1


def test_command_to_a_device_that_has_gone(running: Running) -> None:
    gateway, manager = running
    gateway.send(Command(3, UID, Function('f'), (), 'A'))
    name, cmd_id, is_valid, error = manager.next_event()
    assert (name, cmd_id, is_valid) == ('answered', 3, False) and 'lost' in error


def test_unknown_devices_are_told_why(running: Running) -> None:
    gateway, manager = running
    manager.known = lambda uid: False
    with open_socket(gateway) as device:
        say(
            device,
            {'op': 'call_service', 'service': 'haive_os/device/connect', 'args': {'uid': 3}},
        )
        assert hear(device)['values'] == {'success': False, 'error': 'uid 3 is not in the fleet'}


def test_five_hundred_devices_at_once(running: Running) -> None:
    gateway, manager = running
    with ExitStack() as sockets:
        devices = [sockets.enter_context(open_socket(gateway)) for _ in range(500)]
        for uid, device in enumerate(devices):
            say(device, ping_frame(uid))
        assert {manager.next_event()[1] for _ in devices} == set(range(500))
    assert {manager.next_event() for _ in devices} == {('closed', uid) for uid in range(500)}


def test_stop_tells_the_peers_why() -> None:
    with running_gateway() as (gateway, _), open_socket(gateway) as peer:
        gateway.stop()
        assert close_code(peer) == (1001, 'the gateway is stopping')


def test_a_port_in_use_is_named() -> None:
    with running_gateway() as (gateway, manager):
        settings = GatewaySettings(port=gateway.port)
        with pytest.raises(GatewayError, match=f'port {gateway.port}.*gateway_port'):
            Gateway(settings, manager.handle, manager.wake)


def test_bounded_connections() -> None:
    with running_gateway(max_connections_per_address=1) as (gateway, _):
        with open_socket(gateway), pytest.raises(Exception, match='503'):
            open_socket(gateway)
        # The place is free again as soon as the server has noticed.
        with open_socket(gateway):
            pass


def test_limits_reach_the_sessions() -> None:
    with (
        running_gateway(limits=SessionLimits(devices=1)) as (gateway, _),
        open_socket(gateway) as peer,
    ):
        say(peer, ping_frame(1))
        say(peer, ping_frame(2))
        assert 'may serve at most 1 devices' in hear(peer)['msg']
