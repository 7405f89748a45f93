"""The gateway over real sockets: a session of firmware, callers and subscribers."""

from __future__ import annotations

from manager_double import WAIT_S, RunningGateway, running_gateway
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

from hos_device_layer.core.dispatch.commands import Command
from hos_device_layer.core.dispatch.effects import ConnectedDevice
from hos_device_layer.core.rosbridge import SessionLimits
from hos_device_layer.core.rosbridge.messages import DeviceStream
from hos_device_layer.core.spec.records import FleetDevice, Function

DEVICE = FleetDevice('H4001', UID, 'DeltaHaive', 'lab')


def test_firmware_session_over_a_socket(running: RunningGateway) -> None:
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


def test_a_peer_calls_devices_and_receives_streams(running: RunningGateway) -> None:
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


def test_a_newer_session_closes_an_older_one(running: RunningGateway) -> None:
    gateway, manager = running
    with open_socket(gateway) as older, open_socket(gateway) as newer:
        for device in (older, newer):
            say(device, {'op': 'advertise_service', 'service': SERIALIZED})
            say(device, {'op': 'publish', 'topic': '/haive_os/device/ping', 'msg': {'data': UID}})
            assert manager.next_event() == ('ping', UID)
        assert close_code(older)[0] == 4409
        gateway.send(Command(1, UID, Function('f'), (), 'A'))
        assert hear(newer)['args']['cmd_id'] == 1


def test_a_command_to_a_lost_device_is_refused(running: RunningGateway) -> None:
    gateway, manager = running
    gateway.send(Command(3, UID, Function('f'), (), 'A'))
    name, cmd_id, is_valid, error = manager.next_event()
    assert (name, cmd_id, is_valid) == ('answered', 3, False) and 'lost' in error


def test_an_unknown_device_is_refused_with_the_reason(running: RunningGateway) -> None:
    gateway, manager = running
    manager.known = lambda uid: False
    with open_socket(gateway) as device:
        say(
            device,
            {'op': 'call_service', 'service': 'haive_os/device/connect', 'args': {'uid': 3}},
        )
        assert hear(device)['values'] == {'success': False, 'error': 'uid 3 is not in the fleet'}


def test_the_limits_of_the_settings_apply_to_sessions() -> None:
    with (
        running_gateway(limits=SessionLimits(devices=1)) as (gateway, _),
        open_socket(gateway) as peer,
    ):
        say(peer, ping_frame(1))
        say(peer, ping_frame(2))
        assert 'may serve at most 1 devices' in hear(peer)['msg']
