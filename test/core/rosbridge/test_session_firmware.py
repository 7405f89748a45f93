"""The session of a microcontroller, byte for byte (docs/reference/wire_protocol.md)."""

from peers import UID, Peer, serialized_command

from hos_device_layer.core.dispatch.events import (
    CommandAnswered,
    ConnectRequested,
    Pinged,
    ResultReported,
)
from hos_device_layer.core.rosbridge.broker import Broker
from hos_device_layer.core.rosbridge.events import Request
from hos_device_layer.core.rosbridge.messages import ConnectDeviceResponse

ADVERTISE = (
    '{"op":"advertise_service","type":"hos_interfaces/SerializedDeviceCommand",'
    '"service":"haive_os/device/uid10758656/serialized_command"}'
)
CONNECT = '{"op":"call_service","service":"haive_os/device/connect","args":{"uid":10758656}}'
CONNECTED = (
    '{"op":"service_response","service":"haive_os/device/connect",'
    '"values":{"success":true,"error":""},"result":true}'
)
PING = '{"op":"publish","topic":"haive_os/device/ping","msg":{"data":10758656}}'
COMMAND = (
    '{"op":"call_service",'
    '"id":"service_request:haive_os/device/uid10758656/serialized_command:1",'
    '"service":"haive_os/device/uid10758656/serialized_command",'
    '"args":{"cmd_id":0,"serialized_command":"A2B3","function_name":"my_test_function"}}'
)
ACCEPTED = (
    '{"op":"service_response",'
    '"id":"service_request:haive_os/device/uid10758656/serialized_command:1",'
    '"service":"haive_os/device/uid10758656/serialized_command",'
    '"values":{"is_valid":true,"error":""},"result":true}'
)
RESULT = (
    '{"op":"publish","topic":"haive_os/device/command_result",'
    '"msg":{"uid":10758656,"cmd_id":0,"success":true,"error":"","result_str":"V5"}}'
)


def test_firmware_session_byte_for_byte() -> None:
    broker = Broker()
    device = Peer(broker)
    assert device.says(ADVERTISE) == []
    (request,) = device.says(CONNECT)
    assert isinstance(request, Request) and request.event == ConnectRequested(UID)
    device.session.answer(request.call, ConnectDeviceResponse(True))
    assert device.hears_text() == [CONNECTED]
    assert device.says(PING) == [Pinged(UID)]
    assert broker.command(serialized_command()) == []
    assert device.hears_text() == [COMMAND]
    assert device.says(ACCEPTED) == [CommandAnswered(UID, 0, True, '')]
    assert device.says(RESULT) == [ResultReported(UID, 0, True, '', 'V5')]
    assert device.hears_text() == []


def test_connect_before_advertise_keeps_commands_for_the_advertisement() -> None:
    broker = Broker()
    device = Peer(broker)
    device.says(CONNECT)
    assert broker.command(serialized_command()) == []
    assert device.hears_text() == []
    assert device.says(ADVERTISE) == []
    assert device.hears_text() == [COMMAND]


def test_result_before_answer() -> None:
    broker = Broker()
    device = Peer(broker)
    device.says(ADVERTISE)
    broker.command(serialized_command())
    assert device.says(RESULT) == [ResultReported(UID, 0, True, '', 'V5')]
    assert device.says(ACCEPTED) == [CommandAnswered(UID, 0, True, '')]


def test_ids_count_from_one_for_each_advertisement() -> None:
    broker = Broker()
    device = Peer(broker)
    device.says(ADVERTISE)
    broker.command(serialized_command())
    broker.command(serialized_command(1))
    assert [frame['id'][-2:] for frame in device.hears()] == [':1', ':2']
    refusals = device.says(ADVERTISE)
    assert [(r.cmd_id, r.is_valid) for r in refusals] == [(0, False), (1, False)]  # type: ignore[union-attr]
    broker.command(serialized_command(2))
    assert device.hears_text() == [COMMAND.replace('"cmd_id":0', '"cmd_id":2')]
