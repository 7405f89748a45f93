"""The settings of a client, from arguments, the environment or `hos_client.conf`."""

from __future__ import annotations

import configparser
import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from hos_device_layer.paths import PathError, user_path

from .errors import ConfigurationError

CONFIGURATION_FILE = 'hos_client.conf'

_DEFAULT = """\
# How this program reaches the device manager. An environment variable takes precedence over this
# file: HOS_CLIENT_ and the setting's name in capitals, for example HOS_CLIENT_HOST.

[gateway]
# The computer that runs the device manager, and the port of its gateway.
host = 127.0.0.1
port = 9091
# yes: encrypt with TLS. ca_file is the certificate file (PEM) to trust, if the site has its own.
encryption = no
ca_file =
# The output of `hos token add`. Required unless the gateway runs on this machine. Keep it secret:
# chmod 600 this file.
token =

[log]
# DEBUG, INFO, WARNING or ERROR.
level = INFO
# Empty: log to the terminal. A file is rotated at max_bytes; `backups` old files are kept.
file =
max_bytes = 1000000
backups = 3
"""

_SECTIONS = {
    'gateway': ('host', 'port', 'encryption', 'ca_file', 'token'),
    'log': ('level', 'file', 'max_bytes', 'backups'),
}
_ENVIRONMENT_PREFIX = 'HOS_CLIENT_'
_LOG_LEVELS = ('DEBUG', 'INFO', 'WARNING', 'ERROR')


@dataclass(frozen=True)
class Settings:
    """The address of the gateway, and logging; `repr` leaves out the token."""

    url: str = 'ws://127.0.0.1:9091'
    token: str = ''
    ca_file: str = ''
    log_level: str = 'INFO'
    log_file: str = ''
    log_max_bytes: int = 1_000_000
    log_backups: int = 3

    def __repr__(self) -> str:
        return f'Settings(url={self.shown_url!r})'

    @property
    def shown_url(self) -> str:
        """The URL for log messages: without user, password and query, which may hold a token."""
        scheme, _, rest = self.url.partition('://')
        host_and_path = rest.partition('?')[0].rpartition('@')[2]
        return f'{scheme}://{host_and_path}'

    def redacted(self, text: str) -> str:
        """Return a text for log messages without the token and the secret parts of the URL."""
        text = text.replace(self.url, self.shown_url) if self.url else text
        return text.replace(self.token, '***') if self.token else text


def client_settings(
    url: str | None = None,
    token: str | None = None,
    ca_file: str | None = None,
    path: str | Path = CONFIGURATION_FILE,
    environment: Mapping[str, str] = os.environ,
) -> Settings:
    """
    Return the settings of a client: arguments take precedence over the environment and the file.

    With a `url` the file is neither read nor written. Raises ConfigurationError.
    """
    if url is None:
        settings = load_settings(path, environment)
    else:
        settings = Settings(
            url,
            environment.get(_ENVIRONMENT_PREFIX + 'TOKEN', '').strip(),
            environment.get(_ENVIRONMENT_PREFIX + 'CA_FILE', '').strip(),
        )
    return replace(
        settings,
        token=settings.token if token is None else token,
        ca_file=settings.ca_file if ca_file is None else ca_file,
    )


def load_settings(
    path: str | Path = CONFIGURATION_FILE, environment: Mapping[str, str] = os.environ
) -> Settings:
    """
    Read the settings; raises ConfigurationError, which names the setting.

    A missing file is written with the defaults and explanations, if its folder can be written.
    """
    path = user_path(str(path))
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(_DEFAULT)
    try:
        if path.exists():
            parser.read_string(path.read_text(encoding='utf-8'), str(path))
        else:
            _write_default_if_possible(path)
    except (OSError, UnicodeError, configparser.Error) as error:
        raise ConfigurationError(f'cannot use {path}: {error}') from None
    for section, names in _SECTIONS.items():
        for name in names:
            value = environment.get(_ENVIRONMENT_PREFIX + _environment_name(section, name))
            if value is not None:
                parser.set(section, name, value)
    return _settings(parser, path)


def _settings(parser: configparser.ConfigParser, path: Path) -> Settings:
    gateway, log = parser['gateway'], parser['log']
    level = log['level'].upper()
    if level not in _LOG_LEVELS:
        raise ConfigurationError(
            f'{path}: level: expected one of {", ".join(_LOG_LEVELS)}, got {level!r}'
        )
    port = _integer(gateway, 'port', path)
    if not 0 < port < 65536:
        raise ConfigurationError(f'{path}: port: expected 1 to 65535, got {port}')
    host = gateway['host'].strip()
    if ':' in host and not host.startswith('['):
        host = f'[{host}]'
    try:
        scheme = 'wss' if gateway.getboolean('encryption') else 'ws'
    except ValueError:
        raise ConfigurationError(
            f'{path}: encryption: expected yes or no, got {gateway["encryption"]!r}'
        ) from None
    return Settings(
        url=f'{scheme}://{host}:{port}',
        token=gateway['token'].strip(),
        ca_file=_file(gateway, 'ca_file', path),
        log_level=level,
        log_file=_file(log, 'file', path),
        log_max_bytes=_integer(log, 'max_bytes', path),
        log_backups=_integer(log, 'backups', path),
    )


def _write_default_if_possible(path: Path) -> None:
    # The folder of a service is often read-only, and its settings come from the environment.
    with contextlib.suppress(OSError):
        # Readable by its owner only: it will hold a token.
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, 'w') as opened:
            opened.write(_DEFAULT)


def _environment_name(section: str, name: str) -> str:
    return (name if section == 'gateway' else f'{section}_{name}').upper()


def _file(section: configparser.SectionProxy, name: str, path: Path) -> str:
    """Return the path of a file, or '' if none is set."""
    text = section[name].strip()
    try:
        return str(user_path(text)) if text else ''
    except PathError as error:
        raise ConfigurationError(f'{path}: {name}: {error}') from None


def _integer(section: configparser.SectionProxy, name: str, path: Path) -> int:
    try:
        value = int(section[name])
    except ValueError:
        value = -1
    if value < 0:
        raise ConfigurationError(
            f'{path}: {name}: expected a whole number from 0, got {section[name]!r}'
        )
    return value
