from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import pytest
from project import ROOT

from hos_device_layer.command_line import generate
from hos_device_layer.source_tree import HOS
from hos_generator.__main__ import main, without_ros_arguments

DEVICES = '- device_type: Lamp\n'
APIS = '- function_name: lamp_on\n  device_types: [Lamp]\n'
BROKEN_ROW = '- function_name: lamp_dim\n  device_types: [Lamp]\n  arguments: [level]\n'


@pytest.fixture
def database(tmp_path: Path) -> Path:
    folder = tmp_path / 'db'
    folder.mkdir()
    (folder / 'devices.yaml').write_text(DEVICES)
    (folder / 'apis.yaml').write_text(APIS)
    return folder


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / 'new' / 'api.py'


def generate_from(database: Path, output: Path, *more: str) -> int:
    return main(['--device-db', str(database), '--output', str(output), *more])


def test_the_file_is_written_whole_and_is_then_current(database, output, capsys) -> None:
    assert generate_from(database, output) == 0
    assert 'def lamp_on(' in output.read_text()
    assert [path.name for path in output.parent.iterdir()] == ['api.py']
    assert output.stat().st_mode & 0o777 == 0o644
    printed = capsys.readouterr().out
    assert f'Wrote 1 function to {output}\n' in printed
    assert f'from api import lamp_on (in programs in {output.parent})' in printed
    assert generate_from(database, output, '--check') == 0


def test_a_check_writes_nothing_and_says_what_to_do(database, output, capsys) -> None:
    assert generate_from(database, output, '--check') == 1
    assert f'{output} does not exist; create it with: {HOS} generate' in capsys.readouterr().err
    assert not output.exists()

    generate_from(database, output)
    old = output.read_text()
    (database / 'apis.yaml').write_text(APIS.replace('lamp_on', 'lamp_off'))
    assert generate_from(database, output, '--check') == 1
    assert f'{output} is out of date' in capsys.readouterr().err
    assert output.read_text() == old


def test_a_broken_row_is_named_and_left_out(database, output, capsys) -> None:
    (database / 'apis.yaml').write_text(APIS + BROKEN_ROW)
    assert generate_from(database, output) == 0
    assert "rejected: table 'apis', row 'lamp_dim', column 'arguments'" in capsys.readouterr().err
    assert 'lamp_dim' not in output.read_text()


@pytest.mark.parametrize('apis', ['', '- [', BROKEN_ROW])
def test_a_specification_without_functions_does_not_empty_the_file(
    database, output, capsys, apis
) -> None:
    generate_from(database, output)
    old = output.read_text()
    (database / 'apis.yaml').write_text(apis)
    assert generate_from(database, output) == 1
    assert f'no usable function in {database}' in capsys.readouterr().err
    assert output.read_text() == old


def test_a_missing_database_or_an_unwritable_file_is_named(
    database, output, tmp_path, capsys
) -> None:
    assert generate_from(tmp_path / 'nowhere', output) == 1
    assert str(tmp_path / 'nowhere') in capsys.readouterr().err
    assert generate_from(database, database) == 1
    assert str(database) in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ['db']


def test_the_command_line_has_the_command(database, output) -> None:
    parser = argparse.ArgumentParser()
    generate.add_parser(parser.add_subparsers())
    arguments = parser.parse_args(
        ['generate', '--device-db', str(database), '--output', str(output)]
    )
    assert arguments.run(arguments) == 0
    assert output.exists()


def test_what_launch_files_add_is_ignored() -> None:
    given = ['--check', '--ros-args', '-r', '__node:=x', '--', '--output', 'f']
    assert without_ros_arguments(given) == ['--check', '--output', 'f']
    assert without_ros_arguments(['--ros-args', '--log-level', 'info']) == []


def test_it_runs_as_a_program_without_ros(database, output) -> None:
    program = 'import sys; sys.modules.update(rclpy=None, hos_interfaces=None); ' + (
        'from hos_generator.__main__ import main; sys.exit(main())'
    )
    subprocess.run(
        [sys.executable, '-c', program, '--device-db', str(database), '--output', str(output)],
        check=True,
        cwd=ROOT,
    )
    assert output.exists()
