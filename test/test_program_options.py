"""The options that programs share."""

from __future__ import annotations

from pathlib import Path

import pytest

from hos_device_layer.command_line.__main__ import main
from hos_device_layer.program_options import ProgramParser, add_device_db_option


@pytest.mark.parametrize('option', ['--device-db', '--device-db-path'])
def test_the_folder_of_the_specification_has_the_name_of_the_parameter_too(
    option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('HOME', str(tmp_path))
    parser = ProgramParser()
    add_device_db_option(parser)
    assert parser.parse_args([option, '~/spec']).device_db == tmp_path / 'spec'
    assert parser.parse_args([]).device_db is None


@pytest.mark.parametrize(
    'command', [['up'], ['check'], ['generate', '--check'], ['db', 'history'], ['db', 'push']]
)
def test_every_command_with_a_specification_takes_it(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, '--device-db-path', '/nonexistent']) in (1, 2)
    assert '/nonexistent' in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([*command, '--help'])
    assert '--device-db FOLDER, --device-db-path FOLDER' in capsys.readouterr().out


def test_check_takes_one_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['check', '/nonexistent']) == 1
    with pytest.raises(SystemExit):
        main(['check', '/nonexistent', '--device-db', '/nonexistent'])
    assert 'not allowed with' in capsys.readouterr().err


def test_arguments_that_are_not_utf8_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    parser = ProgramParser('program')
    parser.add_argument('name')
    assert parser.parse_args(['Hé']).name == 'Hé'
    with pytest.raises(SystemExit) as end:
        parser.parse_args(['H\udcff'])
    assert end.value.code == 2
    reason = "program: error: expected arguments in UTF-8, found b'H\\xff'"
    assert reason in capsys.readouterr().err
