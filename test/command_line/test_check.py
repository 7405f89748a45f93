"""`hos check` on sound and broken specifications."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hos_command import HosCommand
from project import SAMPLE_DB

BROKEN_ROW = """
- function_name: lamp_dim
  device_types: [Lamp]
  arguments: [level]
"""


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """The sample with a row that has two problems, and a file that is not YAML."""
    folder = shutil.copytree(SAMPLE_DB, tmp_path / 'device_db')
    apis = folder / 'apis.yaml'
    apis.write_text(apis.read_text() + BROKEN_ROW)
    (folder / 'fleet-lab.yaml').write_text('- [')
    return folder


def test_a_sound_specification_is_counted(hos: HosCommand) -> None:
    assert hos.run('check') == (
        0,
        '0 problems; 12 device types, 27 functions, 7 streams; fleets: demo (11), lab (32)\n',
        '',
    )


def test_problems_are_listed_by_table_row_and_column(hos: HosCommand, broken: Path) -> None:
    code, out, err = hos.run('check', broken)
    assert (code, err) == (1, '')
    rows = [[cell.strip() for cell in line.split('│')[1:-1]] for line in out.splitlines()]
    assert ['apis', 'lamp_dim', 'arguments'] in [row[:3] for row in rows]
    assert ['fleet-lab', '', ''] in [row[:3] for row in rows]
    assert ' problems; 12 device types, ' in out.splitlines()[-1]


def test_one_problem_is_called_a_problem(hos: HosCommand, tmp_path: Path) -> None:
    folder = shutil.copytree(SAMPLE_DB, tmp_path / 'device_db')
    (folder / 'fleet-lab.yaml').write_text('- [')
    assert hos.run('check', folder).out.splitlines()[-1].startswith('1 problem; ')


def test_json_holds_the_same_problems(hos: HosCommand, broken: Path) -> None:
    code, out, err = hos.run('check', broken, '--json')
    assert (code, err) == (1, '')
    problems = json.loads(out)
    assert all(set(problem) == {'table', 'row', 'column', 'text'} for problem in problems)
    places = {(problem['table'], problem['row'], problem['column']) for problem in problems}
    assert {('apis', 'lamp_dim', 'arguments'), ('fleet-lab', '', '')} <= places
    assert hos.run('check', '--json').out == '[]\n'


def test_a_missing_folder_is_named(hos: HosCommand, tmp_path: Path) -> None:
    code, out, err = hos.run('check', tmp_path / 'nowhere')
    assert (code, out) == (1, '')
    assert err.count('\n') == 1
    assert str(tmp_path / 'nowhere') in err
