"""`hos token`, as users type it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hos_device_layer.command_line.__main__ import main
from hos_device_layer.core.rosbridge import Role
from hos_device_layer.links.gateway import TokenFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / 'config' / 'tokens.json'


def hos(path: Path, *words: str) -> int:
    return main(['token', '--file', str(path), *words])


def test_a_token_is_printed_alone_and_once(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert hos(path, 'add', 'bay 1', '--uid', '7', '--uid', '8') == 0
    printed = capsys.readouterr()
    access = TokenFile(path).authenticate(printed.out.strip())
    assert access is not None and access.uids == {7, 8} and access.roles == {Role.DEVICE}
    assert 'cannot be shown again' in printed.err
    assert hos(path, 'list') == 0
    listed = capsys.readouterr().out
    assert 'bay 1' in listed and 'device' in listed and '7, 8' in listed
    assert printed.out.strip() not in listed


def test_revoking(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hos(path, 'add', 'shift', '--role', 'operator')
    token = capsys.readouterr().out.strip()
    assert hos(path, 'revoke', 'shift') == 0
    assert TokenFile(path).authenticate(token) is None
    assert hos(path, 'revoke', 'shift') == 1
    assert 'there are: none' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('words', 'reason'),
    [
        (('add', ''), 'needs a name'),
        (('add', 'known'), 'already'),
        (('add', 'x', '--role', 'viewer', '--uid', '1'), 'role viewer has none'),
    ],
)
def test_mistakes(
    path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], reason: str
) -> None:
    hos(path, 'add', 'known')
    assert hos(path, *words) == 1
    assert reason in capsys.readouterr().err


def test_a_uid_is_a_number_of_32_bits(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        hos(path, 'add', 'x', '--uid', '4294967296')
    assert '--uid' in capsys.readouterr().err
