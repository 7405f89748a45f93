"""The token file."""

from __future__ import annotations

import base64
import os
import secrets
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from manager_double import WAIT_S

from hos_device_layer.core.rosbridge import Role
from hos_device_layer.links.gateway import (
    TokenError,
    TokenFile,
)


def test_the_file_is_private_and_contains_no_token(tokens: TokenFile) -> None:
    token = tokens.add('bay 1', Role.DEVICE, (1, 2), '2030-01-01')
    assert token not in tokens.path.read_text()
    assert tokens.path.stat().st_mode & 0o777 == 0o600
    access = tokens.authenticate(token)
    assert access is not None and access.uids == {1, 2} and access.name == 'bay 1'
    assert tokens.authenticate(token[:-1]) is None
    assert tokens.authenticate('') is None
    assert tokens.authenticate('\udc00') is None


def test_a_token_has_256_random_bits(tokens: TokenFile, monkeypatch: pytest.MonkeyPatch) -> None:
    given = iter([b'a' * 32, b'b' * 32])
    # The source of the module `secrets`.
    monkeypatch.setattr(secrets, 'token_bytes', lambda count: next(given)[:count])
    for name in 'ab':
        prefix, _, bits = tokens.add(name, Role.VIEWER, None, '').partition('_')
        assert prefix == 'hos'
        assert base64.urlsafe_b64decode(f'{bits}=') == name.encode() * 32


def test_changes_of_the_file_take_effect(tokens: TokenFile) -> None:
    other = TokenFile(tokens.path)
    token = tokens.add('a', Role.VIEWER, None, '')
    assert other.authenticate(token) is not None
    tokens.revoke('a')
    assert other.authenticate(token) is None


def test_invalid_names_are_refused(tokens: TokenFile) -> None:
    tokens.add('a', Role.VIEWER, None, '')
    with pytest.raises(TokenError, match='already'):
        tokens.add('a', Role.VIEWER, None, '')
    with pytest.raises(TokenError, match='existing tokens: a'):
        tokens.revoke('b')
    with pytest.raises(TokenError, match='needs a printable name'):
        tokens.add('', Role.VIEWER, None, '')


def test_a_broken_file_is_named_in_the_error(tokens: TokenFile) -> None:
    tokens.path.write_text('{')
    tokens.path.chmod(0o600)
    with pytest.raises(TokenError, match=str(tokens.path)):
        tokens.records()


def test_a_file_that_others_can_read_is_not_used(tokens: TokenFile) -> None:
    token = tokens.add('bay 1', Role.DEVICE, None, '')
    tokens.path.chmod(0o644)
    with pytest.raises(TokenError, match='chmod 600'):
        tokens.authenticate(token)


def test_without_a_file_there_are_no_tokens(tokens: TokenFile) -> None:
    assert tokens.records() == ()
    assert tokens.authenticate('hos_guess') is None
    with pytest.raises(TokenError, match='existing tokens: none'):
        tokens.revoke('a')


def test_a_path_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    (tmp_path / 'file').touch()
    with pytest.raises(TokenError, match=r'the token file .*tokens\.json cannot be written: '):
        TokenFile(tmp_path / 'file' / 'tokens.json').add('a', Role.VIEWER, None, '')


def test_a_token_is_listed_with_its_role_and_date(tokens: TokenFile) -> None:
    token = tokens.add('a', Role.VIEWER, None, '2030-01-01')
    (record,) = tokens.records()
    assert (record.name, record.role, record.created) == ('a', Role.VIEWER, '2030-01-01')
    assert record.access == tokens.authenticate(token)


CHANGES = """
import sys
from pathlib import Path
from hos_device_layer.core.rosbridge import Role
from hos_device_layer.links.gateway import TokenFile
tokens, me = TokenFile(Path(sys.argv[1])), sys.argv[2]
print(flush=True)
sys.stdin.readline()
for n in range(30):
    tokens.add(f'{me} {n}', Role.VIEWER, None, '')
    if n % 2:
        tokens.revoke(f'{me} {n}')
"""


def test_processes_that_change_the_file_at_once_lose_and_revive_no_token(
    tokens: TokenFile,
) -> None:
    names = 'abcdef'
    with ExitStack() as stack:
        writers = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, '-c', CHANGES, str(tokens.path), name],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for name in names
        ]
        for writer in writers:
            assert writer.stdout is not None and writer.stdout.readline()
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write('\n')
            writer.stdin.flush()
        assert [writer.wait(WAIT_S) for writer in writers] == [0] * len(names)
    expected = {f'{name} {n}' for name in names for n in range(0, 30, 2)}
    assert {record.name for record in tokens.records()} == expected


def test_a_change_within_the_resolution_of_the_clock_takes_effect(tokens: TokenFile) -> None:
    """The time of a file changes every 4 ms only, and its number may be used again."""
    reader = TokenFile(tokens.path)
    first, second = tokens.add('a', Role.VIEWER, None, ''), tokens.path.read_bytes()
    assert reader.authenticate(first) is not None
    status = tokens.path.stat()
    tokens.path.write_bytes(second.replace(b'"a"', b'"b"'))
    os.utime(tokens.path, ns=(status.st_atime_ns, status.st_mtime_ns))
    access = reader.authenticate(first)
    assert access is not None and access.name == 'b'


def test_a_file_that_does_not_change_is_read_once(
    tokens: TokenFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = tokens.add('a', Role.VIEWER, None, '')
    os.utime(tokens.path, (1_000_000_000, 1_000_000_000))
    assert tokens.authenticate(token) is not None
    monkeypatch.setattr(TokenFile, '_read', None)
    assert tokens.authenticate(token) is not None
    assert tokens.accesses() == {tokens.authenticate(token)}
