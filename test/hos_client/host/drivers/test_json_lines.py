"""The driver for JSON lines, on ptys and behind the gateway."""

from __future__ import annotations

import json
from typing import Any

from fake_fleet import UID, fleet, row
from running_host import SERIAL_DRIVERS, running_host

from hos_client.host.device_registry import DeviceState
from hos_device_layer.testing.serial_device import JsonBoard, LineBoard, SilentBoard

BALANCE = fleet(row(device_type='Balance'))
WEIGH = next(f for f in BALANCE.functions if f.name == 'balance_weigh')


def test_a_json_board_end_to_end() -> None:
    def weigh() -> dict[str, Any]:
        return {'mass': 1.5, 'stable': True}

    def tare() -> None:
        raise RuntimeError('the pan is moving')

    with running_host(*SERIAL_DRIVERS, of_fleet=BALANCE) as rig:
        port = rig.plug(JsonBoard({'balance_weigh': weigh, 'balance_tare': tare}))
        assert rig.call(WEIGH) == (True, '', '{"mass":1.5,"stable":true}')
        tare_function = type(WEIGH)('balance_tare', device_types=('Balance',))
        success, error, _ = rig.call(tare_function, cmd_id=2)
        assert not success and 'the pan is moving' in error
        rig.bench.send(port, b'{"stream":"mass","values":{"mass":2.5}}\r\n')
        assert rig.event('sample') == ('sample', UID, 'mass', '{"mass":2.5}')


def test_a_board_that_reports_its_uid_needs_no_serial_info() -> None:
    with running_host(
        *SERIAL_DRIVERS, of_fleet=fleet(row(device_type='Balance', serial_info=''))
    ) as rig:
        port = rig.bench.plug(JsonBoard({'balance_weigh': dict}), usb_id=(1, 2))
        waiting = rig.wait_for(DeviceState.WAITING)
        assert "'0001:0002'" in waiting.reason
        rig.bench.send(port, b'{"uid":7}\n')
        assert 'uid 7' in rig.wait_for(DeviceState.WAITING).reason
        rig.bench.send(port, b'{"uid":%d}\n' % UID)
        assert rig.wait_for(DeviceState.READY).device_id == 'K6101'
        assert rig.event('connect') == ('connect', UID)
        assert rig.call(WEIGH)[0]


def test_a_port_that_is_not_a_usb_device_is_not_opened() -> None:
    with running_host(*SERIAL_DRIVERS, of_fleet=BALANCE) as rig:
        rig.bench.plug(SilentBoard(), serial_number='another')
        assert rig.wait_for(DeviceState.WAITING).driver == ''


def test_invalid_lines_between_json_lines_are_skipped() -> None:
    deep = b'[' * 5000
    garbage = [b'\xff\xfe', b'{"cmd_id":', b'[1]', b'{"cmd_id":99,"success":true}', deep, b'NaN']

    def answer(line: str) -> Any:
        cmd_id = json.loads(line)['cmd_id']
        for piece in garbage:
            yield 0.0, piece + b'\n'
        yield 0.0, b'{"cmd_id":%d,"success":true,"result":{"mass":1}}\n' % cmd_id

    with running_host(*SERIAL_DRIVERS, of_fleet=BALANCE) as rig:
        rig.plug(LineBoard(answer))
        assert rig.call(WEIGH) == (True, '', '{"mass":1}')
