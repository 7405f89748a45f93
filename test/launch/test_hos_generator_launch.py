"""`hos_generator.launch.py`, executed."""

from __future__ import annotations

from pathlib import Path

import pytest
from installed_copy import InstalledCopy
from launches import Launches

FILE = 'hos_generator.launch.py'


def test_the_file_is_written_where_the_user_is(launches: Launches, copy: InstalledCopy) -> None:
    before = copy.files()
    with launches.run(FILE) as generator:
        assert generator.wait() == 0, generator.output
        generator.wait_for('Import them with: from hos_device_api import ')
    assert [path.name for path in launches.workspace.iterdir()] == ['hos_device_api.py']
    assert copy.files() == before


def test_a_package_of_the_user_gets_the_file(launches: Launches) -> None:
    package = launches.workspace / 'my_arm'
    package.mkdir()
    (package / '__init__.py').touch()
    (launches.workspace / 'package.xml').write_text('<package><name>my_arm</name></package>')
    with launches.run(FILE) as generator:
        assert generator.wait() == 0, generator.output
        generator.wait_for('from my_arm.hos_device_api import ')
    assert (package / 'hos_device_api.py').is_file()


@pytest.mark.parametrize('name', ['device_db_path', 'device_db'])
def test_arguments_reach_the_generator(launches: Launches, tmp_path: Path, name: str) -> None:
    device_db, output = tmp_path / 'db', tmp_path / 'api.py'
    device_db.mkdir()
    (device_db / 'devices.yaml').write_text('- device_type: Lamp\n')
    (device_db / 'apis.yaml').write_text('- function_name: lamp_on\n  device_types: [Lamp]\n')
    with launches.run(FILE, f'{name}:={device_db}', f'output:={output}') as generator:
        assert generator.wait() == 0, generator.output
        generator.wait_for(f'Wrote 1 function to {output}')
        assert ('deprecated' in generator.output) == (name == 'device_db')
    assert 'def lamp_on(' in output.read_text()


def test_a_check_that_fails_fails_the_launch(launches: Launches) -> None:
    with launches.run(FILE, 'check:=true') as generator:
        assert generator.wait() == 1
        generator.wait_for('hos_device_api.py does not exist; create it with: hos generate')
        generator.wait_for('the generator exited with code 1')
    assert list(launches.workspace.iterdir()) == []


def test_an_unknown_choice_is_refused(launches: Launches) -> None:
    with launches.run(FILE, 'check:=perhaps') as generator:
        assert generator.wait() == 1
        generator.wait_for('check.*perhaps')
