"""`hos generate`, as users type it; test/hos_generator has the rules behind it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hos_command import HosCommand
from project import SAMPLE_DB

from hos_device_layer.source_tree import HOS


def test_a_named_file_is_written_and_checked(hos: HosCommand, tmp_path: Path) -> None:
    output = tmp_path / 'arms' / 'api.py'
    options = ('--device-db', SAMPLE_DB, '--output', output)
    assert hos.run('generate', '--check', *options) == (
        1,
        '',
        f'{output} does not exist; create it with: {HOS} generate\n',
    )
    assert hos.run('generate', *options) == (
        0,
        f'Wrote 27 functions to {output}\n'
        f'Import them with: from api import balance_tare (in programs in {output.parent})\n',
        '',
    )
    assert hos.run('generate', '--check', *options) == (0, f'{output} is up to date\n', '')


@pytest.mark.parametrize('folder', ['nowhere', 'empty'])
def test_a_specification_without_functions_writes_nothing(
    hos: HosCommand, tmp_path: Path, folder: str
) -> None:
    (tmp_path / 'empty').mkdir()
    output = tmp_path / 'api.py'
    code, out, err = hos.run('generate', '--device-db', tmp_path / folder, '--output', output)
    assert (code, out) == (1, '')
    assert str(tmp_path / folder) in err
    assert not output.exists()
