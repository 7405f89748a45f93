"""`hos token`, as users type it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hos_command import HosCommand

from hos_device_layer.command_line.__main__ import main
from hos_device_layer.core.rosbridge import Role
from hos_device_layer.links.gateway import TokenFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / 'config' / 'tokens.json'


def token_command(path: Path, *words: str) -> int:
    return main(['token', '--file', str(path), *words])


def test_a_token_is_printed_alone_and_once(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert token_command(path, 'add', 'bay 1', '--uid', '7', '--uid', '8') == 0
    printed = capsys.readouterr()
    access = TokenFile(path).authenticate(printed.out.strip())
    assert access is not None and access.uids == {7, 8} and access.roles == {Role.DEVICE}
    assert 'cannot be shown again' in printed.err
    assert token_command(path, 'list') == 0
    listed = capsys.readouterr().out
    assert 'bay 1' in listed and 'device' in listed and '7, 8' in listed
    assert printed.out.strip() not in listed


def test_revoking(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    token_command(path, 'add', 'shift', '--role', 'operator')
    token = capsys.readouterr().out.strip()
    assert token_command(path, 'revoke', 'shift') == 0
    assert TokenFile(path).authenticate(token) is None
    assert token_command(path, 'revoke', 'shift') == 1
    assert "'shift'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ('words', 'reason'),
    [
        (('add', '', '--any-uid'), 'needs a printable name'),
        (('add', 'known', '--any-uid'), 'already'),
    ],
)
def test_mistakes(
    path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], reason: str
) -> None:
    token_command(path, 'add', 'known', '--any-uid')
    assert token_command(path, *words) == 1
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize(
    ('words', 'reason'),
    [
        ((), 'a token of role device needs the uids that may use it: --uid N, --uid N-M'),
        (('--role', 'device'), 'or --any-uid'),
        (('--role', 'viewer', '--uid', '1'), 'require --role device; found --role viewer'),
        (('--role', 'viewer', '--any-uid'), 'require --role device; found --role viewer'),
        (('--uid', '1', '--any-uid'), 'not allowed with'),
        (('--uid', '4294967296'), "--uid: expected 0 to 4294967295, found '4294967296'"),
        (('--uid', '4-x'), "--uid: expected 0 to 4294967295, found 'x'"),
        (('--uid', '5-4'), "--uid: expected a range N-M with N <= M, found '5-4'"),
        (('--uid', '0-4294967295'), '--uid: expected at most 10000 uids'),
    ],
)
def test_a_token_of_a_device_is_for_given_uids_unless_any_uid_is_asked_for(
    path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], reason: str
) -> None:
    with pytest.raises(SystemExit) as end:
        token_command(path, 'add', 'x', *words)
    assert end.value.code == 2
    assert reason in ' '.join(capsys.readouterr().err.split())
    assert not path.exists()


def test_a_range_of_uids(path: Path) -> None:
    assert token_command(path, 'add', 'bay 1', '--uid', '7', '--uid', '7-9', '--uid', '3') == 0
    (record,) = TokenFile(path).records()
    assert record.uids == (3, 7, 8, 9)


def test_any_uid(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert token_command(path, 'add', 'all', '--any-uid') == 0
    access = TokenFile(path).authenticate(capsys.readouterr().out.strip())
    assert access is not None and access.uids is None and access.roles == {Role.DEVICE}
    token_command(path, 'list')
    assert 'any' in capsys.readouterr().out


def test_as_a_process_only_the_token_is_on_standard_output(hos: HosCommand) -> None:
    code, token, note = hos.run('token', 'add', 'bay 1', '--uid', '7')
    assert code == 0
    assert token.startswith('hos_') and len(token.split()) == 1
    assert note == 'Save this token: it is not stored and cannot be shown again.\n'
    listed = hos.run('token', 'list')
    assert (listed.code, listed.err) == (0, '')
    assert 'bay 1' in listed.out and token.strip() not in listed.out
    assert hos.run('token', 'revoke', 'bay 1') == (0, '', '')
    assert list(hos.home.glob('hos_device_layer/tokens.json'))
