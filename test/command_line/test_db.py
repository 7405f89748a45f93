"""`hos db` with an Airtable on a loopback port; test/database has the rules behind it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hos_command import HosCommand

from hos_device_layer.source_tree import HOS
from hos_device_layer.testing.airtable import RunningAirtable, running_airtable

TABLES = {
    'devices': '- device_type: Lamp\n',
    'apis': '- function_name: lamp_on\n  device_types: [Lamp]\n',
    'fleet-home': '- device_id: L1\n  device_uid: 7\n  device_type: Lamp\n',
}


@pytest.fixture
def airtable() -> Iterator[RunningAirtable]:
    with running_airtable() as airtable:
        yield airtable


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    folder = tmp_path / 'device_db'
    folder.mkdir()
    for table, rows in TABLES.items():
        (folder / f'{table}.yaml').write_text(rows)
    return folder


# Each of its commands keeps to the rate limit of Airtable.
@pytest.mark.timeout(240)
def test_a_base_is_created_filled_read_checked_and_rolled_back(
    hos: HosCommand, airtable: RunningAirtable, copy: Path
) -> None:
    hos = hos.with_environment(**airtable.environment)
    options = ('--device-db', copy)

    created = hos.run('db', 'init', *options)
    assert created.code == 0, created.err
    assert "created the table 'fleet-home'" in created.out
    pushed = hos.run('db', 'push', *options)
    assert pushed.code == 0, pushed.err
    assert 'fleet-home: 1 added, 0 changed, 0 only in the base (kept)\n' in pushed.out

    airtable.set_cell('fleet-home', 'L1', 'device_uid', 8)
    # No device manager runs that could apply it; test_specification_cycle.py has one.
    pulled = hos.run('db', 'pull', '--apply', *options)
    assert pulled.code == 2
    assert 'expected the service /haive_os/device_db/reload' in pulled.err
    assert 'device_uid' in pulled.out and '7' in pulled.out and '8' in pulled.out
    reloaded = hos.run('db', 'reload')
    assert (reloaded.code, reloaded.out) == (2, '')
    assert 'expected the service /haive_os/device_db/reload' in reloaded.err
    assert hos.run('db', 'pull', *options) == (0, 'no changes\n', '')

    airtable.set_cell('apis', 'lamp_on', 'arguments', 'level')
    checked = hos.run('db', 'check', '--json', *options)
    assert (checked.code, checked.err) == (1, '')
    (problem,) = json.loads(checked.out)
    assert [problem[key] for key in ('table', 'row', 'column')] == ['apis', 'lamp_on', 'arguments']

    history = hos.run('db', 'history', *options)
    assert history.code == 0
    (version,) = (word for word in history.out.split() if word.endswith('Z'))
    restored = hos.run('db', 'rollback', version, *options)
    assert restored.code == 0
    assert restored.out.startswith(f'restored {version}\n')
    assert 'device_uid' in restored.out


@pytest.mark.parametrize(
    ('arguments', 'reason'),
    [
        (('pull',), 'AIRTABLE_API_KEY'),
        (('rollback',), 'there is no earlier version'),
        (('rollback', 'v0'), f"unknown version 'v0'; list the versions with `{HOS} db history`"),
        (('check', '--local-db', '--write-back'), '--write-back writes to the base'),
    ],
)
def test_a_command_that_fails_ends_with_code_2(
    hos: HosCommand, copy: Path, arguments: tuple[str, ...], reason: str
) -> None:
    code, out, err = hos.run('db', *arguments, '--device-db', copy)
    assert (code, out) == (2, '')
    assert err.count('\n') == 1
    assert reason in err
