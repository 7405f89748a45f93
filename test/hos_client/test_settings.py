"""The settings of a client."""

from __future__ import annotations

from pathlib import Path

import pytest

from hos_client.errors import ConfigurationError
from hos_client.settings import Settings, load_settings


def test_the_configuration_is_written_and_explained(tmp_path: Path) -> None:
    path = tmp_path / 'hos_client.conf'
    settings = load_settings(path, {})
    assert settings == Settings()
    text = path.read_text()
    assert '# ' in text and 'host = 127.0.0.1' in text
    assert path.stat().st_mode & 0o077 == 0
    path.write_text(text.replace('port = 9091', 'port = 9999').replace('= no', '= yes'))
    assert load_settings(path, {}).url == 'wss://127.0.0.1:9999'


def test_the_environment_takes_precedence(tmp_path: Path) -> None:
    environment = {
        'HOS_CLIENT_HOST': 'fd00::1',
        'HOS_CLIENT_TOKEN': 'secret',
        'HOS_CLIENT_LOG_LEVEL': 'debug',
    }
    settings = load_settings(tmp_path / 'c.conf', environment)
    assert settings.url == 'ws://[fd00::1]:9091'
    assert settings.token == 'secret' and settings.log_level == 'DEBUG'
    assert 'secret' not in repr(settings)


@pytest.mark.parametrize(
    ('line', 'name'),
    [
        ('[gateway]\nport = x', 'port'),
        ('[gateway]\nport = 70000', 'port'),
        ('[gateway]\nencryption = maybe', 'encryption'),
        ('[log]\nlevel = loud', 'level'),
        ('[log]\nmax_bytes = -1', 'max_bytes'),
        ('nonsense', 'c.conf'),
    ],
)
def test_an_invalid_setting_is_named(tmp_path: Path, line: str, name: str) -> None:
    path = tmp_path / 'c.conf'
    path.write_text(line)
    with pytest.raises(ConfigurationError, match=name):
        load_settings(path, {})


def test_a_folder_that_cannot_be_written_needs_no_file(tmp_path: Path) -> None:
    path = tmp_path / 'missing' / 'hos_client.conf'
    assert load_settings(path, {'HOS_CLIENT_HOST': 'hos.local'}).url == 'ws://hos.local:9091'
    assert not path.exists()


def test_secrets_are_not_shown() -> None:
    settings = Settings('ws://user:secret@hos/?token=hos_1', 'hos_2')
    assert settings.shown_url == 'ws://hos/' and repr(settings) == "Settings(url='ws://hos/')"
    assert settings.redacted(f'{settings.url} hos_2 failed') == 'ws://hos/ *** failed'
    assert Settings('').redacted('a text') == 'a text'
