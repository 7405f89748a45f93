from __future__ import annotations

from pathlib import Path

import pytest

from hos_device_layer.core.errors import DatabaseError
from hos_device_layer.database.airtable.credentials import find_credentials

ENVIRONMENT = {'AIRTABLE_API_KEY': 'patSecret.123', 'AIRTABLE_BASE_ID': 'appSecretBase'}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / 'airtable.env'
    path.write_text(
        '# A comment\nexport AIRTABLE_API_KEY="patInFile.1"\n AIRTABLE_BASE_ID = appInFile \n'
    )
    path.chmod(0o600)
    return path


def test_the_environment_holds_them(tmp_path: Path) -> None:
    credentials = find_credentials(ENVIRONMENT)
    assert (credentials.api_key, credentials.base_id) == ('patSecret.123', 'appSecretBase')


def test_a_file_holds_what_the_environment_does_not(file: Path) -> None:
    credentials = find_credentials({'AIRTABLE_BASE_ID': 'appOther'}, file)
    assert (credentials.api_key, credentials.base_id) == ('patInFile.1', 'appOther')


@pytest.mark.parametrize('mode', [0o644, 0o640, 0o620, 0o601])
def test_a_file_that_others_may_use_is_refused(file: Path, mode: int) -> None:
    file.chmod(mode)
    with pytest.raises(DatabaseError, match=r'others may access .*chmod 600'):
        find_credentials({}, file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match=r'cannot read the credentials in .*nothing'):
        find_credentials({}, tmp_path / 'nothing')


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('HOME', str(tmp_path))
    with pytest.raises(DatabaseError, match=r'^AIRTABLE_API_KEY and AIRTABLE_BASE_ID are not set'):
        find_credentials({})
    with pytest.raises(DatabaseError, match=r'^AIRTABLE_BASE_ID is not set'):
        find_credentials({'AIRTABLE_API_KEY': 'patSecret'})


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        ('AIRTABLE_API_KEY', 'pat secret'),
        ('AIRTABLE_API_KEY', 'patsecret\n1'),
        ('AIRTABLE_BASE_ID', 'https://airtable.com/appSecret'),
        ('AIRTABLE_BASE_ID', 'tblSecret'),
        ('AIRTABLE_BASE_ID', 'app../../x'),
    ],
)
def test_what_cannot_be_right_is_refused_unseen(name: str, value: str) -> None:
    with pytest.raises(DatabaseError, match=name) as caught:
        find_credentials({**ENVIRONMENT, name: value})
    assert value not in str(caught.value)


def test_nothing_made_of_them_shows_them() -> None:
    credentials = find_credentials(ENVIRONMENT)
    shown = f'{credentials} {credentials!r} {[credentials]}'
    shown += credentials.redact('at /v0/appSecretBase/x with patSecret.123')
    for secret in ENVIRONMENT.values():
        assert secret not in shown
