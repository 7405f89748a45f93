"""`hos devices` beside a running fleet."""

from __future__ import annotations

import json

from hos_command import HosCommand, RunningCommand

CONNECTED = {
    'device_id': 'H4001',
    'device_uid': '13212703',
    'device_type': 'DeltaHaive',
    'state': 'connected',
    'tasks': '0',
}
EXPECTED = {
    'device_id': 'N0001',
    'device_uid': '',
    'device_type': 'DeltaHaive',
    'state': 'expected',
    'tasks': '0',
}


def test_a_table_shows_every_device(hos: HosCommand, fleet: RunningCommand) -> None:
    code, out, err = hos.run('devices')
    assert (code, err) == (0, '')
    rows = [[cell.strip() for cell in line.split('│')[1:-1]] for line in out.splitlines()]
    by_id = {row[0]: row[1:] for row in rows if row}
    assert len(by_id) == 12
    device_type, uid, state, since, tasks = by_id['H4001']
    assert (device_type, uid, state, tasks) == ('DeltaHaive', '13212703', 'connected', '0')
    assert len(since.split(':')) == 3
    assert by_id['N0001'] == ['DeltaHaive', 'unknown', 'expected', '', '0']


def test_json_holds_the_same(hos: HosCommand, fleet: RunningCommand) -> None:
    code, out, err = hos.run('devices', '--json')
    assert (code, err) == (0, '')
    by_id = {device['device_id']: device for device in json.loads(out)}
    assert list(by_id) == sorted(by_id)
    assert len(by_id) == 12
    since_s = float(by_id['H4001'].pop('since_s'))
    assert since_s > 1.6e9
    assert by_id['H4001'] == CONNECTED
    assert by_id['N0001'].items() >= EXPECTED.items()
