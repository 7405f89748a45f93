"""`hos bench` passes its arguments to the benchmark; how fast something is, is not tested."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hos_command import HosCommand

from hos_device_layer.command_line import bench
from hos_device_layer.command_line.__main__ import main


def test_its_help_lists_the_benchmarks(hos: HosCommand) -> None:
    code, out, err = hos.run('bench', '--help')
    assert (code, err) == (0, '')
    assert out.startswith('usage: hos bench')
    for name in ('calls', 'gateway', 'host', 'spec_reading', 'spec_reload'):
        assert name in out


def test_values_are_printed_and_written_as_json(hos: HosCommand, tmp_path: Path) -> None:
    file = tmp_path / 'values.json'
    code, out, err = hos.run('bench', 'spec_reading', '--quick', '--json', file)
    # Code 1 says that a value missed its limit, as on a machine that is busy.
    assert code in (0, 1), err
    (value,) = json.loads(file.read_text())
    assert value['name'] == 'reading a specification of 10000 records'
    assert value['value'] > 0
    assert value['name'] in out


def test_an_installation_says_where_the_benchmark_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench, 'PROJECT', tmp_path)
    assert main(['bench', 'calls']) == 2
    printed = capsys.readouterr().err
    assert 'in the source checkout' in printed and './hos' not in printed
