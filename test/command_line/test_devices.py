"""`hos devices` beside a running fleet."""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
from pathlib import Path

from hos_command import HosCommand, RunningCommand, gateway_url
from project import SAMPLE_DB

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
    'error': "it has no uid yet; enter it in the table 'fleet-demo'",
    'since_s': '',
    'tasks': '0',
}


def test_a_table_shows_every_device(hos: HosCommand, fleet: RunningCommand) -> None:
    code, out, err = hos.run('devices')
    assert (code, err) == (0, '')
    rows = [[cell.strip() for cell in line.split('│')[1:-1]] for line in out.splitlines()]
    by_id = {row[0]: row[1:] for row in rows if row}
    assert len(by_id) == 12
    device_type, uid, state, since, tasks, _ = by_id['H4001']
    assert (device_type, uid, state, tasks) == ('DeltaHaive', '13212703', 'connected', '0')
    assert len(since.split(':')) == 3
    assert by_id['N0001'] == ['DeltaHaive', 'unknown', 'expected', '', '0', EXPECTED['error']]


def test_json_holds_the_same(hos: HosCommand, fleet: RunningCommand) -> None:
    code, out, err = hos.run('devices', '--json')
    assert (code, err) == (0, '')
    by_id = {device['device_id']: device for device in json.loads(out)}
    assert list(by_id) == sorted(by_id)
    assert len(by_id) == 12
    since_s = float(by_id['H4001'].pop('since_s'))
    assert since_s > 1.6e9
    assert by_id['H4001'].items() >= CONNECTED.items()
    assert by_id['N0001'].items() >= EXPECTED.items()


def test_a_device_that_is_not_in_the_fleet_is_listed_with_what_it_says_of_itself(
    hos: HosCommand, fleet: RunningCommand
) -> None:
    device = [sys.executable, '-m', 'hos_client', '--url', gateway_url(fleet)]
    device += ['--id', 'lamp', '--type', 'Lamp', '--name', 'bench lamp', '--uid', '4711']
    with contextlib.closing(RunningCommand(device, hos.environment)) as client:
        row: list[str] = []
        while not row:
            assert client.process.poll() is None, client.output
            lines = [line for line in hos.run('devices').out.splitlines() if ' 4711 ' in line]
            row = [cell.strip() for line in lines for cell in line.split('│')[1:-1]]
    assert row[:4] == ['?', 'not in the fleet', '4711', 'waiting']
    assert 'bench lamp' in row[-1]


def test_a_fleet_with_rejected_devices_and_devices_without_a_uid_is_listed(
    elsewhere: HosCommand, tmp_path: Path
) -> None:
    folder = shutil.copytree(SAMPLE_DB, tmp_path / 'device_db')
    fleet = folder / 'fleet-lab.yaml'
    rows = '\n- device_id: N1\n  device_type: Balance\n- device_id: N2\n  device_type: Nothing\n'
    fleet.write_text(fleet.read_text() + rows)
    options = ('--no-simulate', '--no-host', '--gateway-port', 0)
    with elsewhere.running('up', '--device-db', folder, '--fleet', 'lab', *options) as up:
        up.wait_for('devices expected')
        code, out, err = elsewhere.run('devices')
        assert (code, err) == (0, '')
        found = {line.split('│')[1].strip(): line for line in out.splitlines() if '│' in line}
        assert len(found) == 34
        assert 'no uid yet' in found['N1']
        assert "'Nothing' is not in the table 'devices'" in found['N2']
