from __future__ import annotations

from manager_double import running_gateway

from hos_device_layer.core.dispatch.commands import Command
from hos_device_layer.core.dispatch.results import parse_values
from hos_device_layer.database import LocalCopy
from hos_device_layer.database.installed import installed_device_db
from hos_device_layer.testing.simulated_wifi_fleet import SimulatedWifiFleet


def test_every_function_and_stream_over_the_real_gateway() -> None:
    spec = LocalCopy(installed_device_db()).read()
    with running_gateway() as (gateway, manager):
        url = f'ws://127.0.0.1:{gateway.port}'
        fleet = SimulatedWifiFleet(spec, 'demo', url, 0.0, 0.0)
        assert fleet.devices
        with fleet.client:
            assert fleet.client.wait_until_connected()
            commands = {}
            for device in fleet.devices.values():
                for function in device.functions.values():
                    assert device.device.uid is not None and function.serializer is not None
                    texts = tuple(f.type.format(f.low or 0) for f in function.arguments)
                    command = Command(
                        len(commands),
                        device.device.uid,
                        function,
                        texts,
                        function.serializer.serialize(texts),
                    )
                    commands[command.cmd_id] = command
                    gateway.send(command)
            fleet.stream()
            samples = sum(len(device.streams) for device in fleet.devices.values())
            results = {}
            while len(results) < len(commands) or samples:
                event = manager.next_event()
                if event[0] == 'sample':
                    samples -= 1
                    assert parse_values(event[3], spec.streams[event[2]].values)
                elif event[0] == 'result':
                    _, uid, cmd_id, success, error, text = event
                    assert success, error
                    assert uid == commands[cmd_id].uid
                    results[cmd_id] = parse_values(text, commands[cmd_id].function.results)
