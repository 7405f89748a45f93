"""The token file."""

from __future__ import annotations

from pathlib import Path

import pytest

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
    with pytest.raises(TokenError, match='the token file cannot be read: '):
        TokenFile(tmp_path / 'file' / 'tokens.json').add('a', Role.VIEWER, None, '')


def test_a_token_is_listed_with_its_role_and_date(tokens: TokenFile) -> None:
    token = tokens.add('a', Role.VIEWER, None, '2030-01-01')
    (record,) = tokens.records()
    assert (record.name, record.role, record.created) == ('a', Role.VIEWER, '2030-01-01')
    assert record.access == tokens.authenticate(token)
