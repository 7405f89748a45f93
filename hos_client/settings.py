"""What a client is started with: from arguments, the environment, or `hos_client.conf`."""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import ConfigurationError

CONFIGURATION_FILE = 'hos_client.conf'

_DEFAULT = """\
# How this program reaches the device manager. Each setting can also be given by the environment,
# as HOS_CLIENT_ and its name in capitals (HOS_CLIENT_HOST), which comes before this file.

[gateway]
# The computer that runs the device manager, and the port of its gateway.
host = 127.0.0.1
port = 9091
# yes: encrypted by TLS. ca_file names the certificate (PEM) to trust, where it is the site's own.
encryption = no
ca_file =
# What `hos token add` printed. Needed unless the gateway runs on this machine. Keep it secret:
# chmod 600 this file.
token =

[log]
# DEBUG, INFO, WARNING or ERROR.
level = INFO
# Empty: to the terminal. A file is rotated at so many bytes, and so many old ones are kept.
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
    """Where the gateway is and how to log; `token` is kept out of `repr`."""

    url: str = 'ws://127.0.0.1:9091'
    token: str = ''
    ca_file: str = ''
    log_level: str = 'INFO'
    log_file: str = ''
    log_max_bytes: int = 1_000_000
    log_backups: int = 3

    def __repr__(self) -> str:
        return f'Settings(url={self.url!r})'


def load_settings(
    path: str | Path = CONFIGURATION_FILE, environment: Mapping[str, str] = os.environ
) -> Settings:
    """
    Read the settings; a file that is absent is written with the defaults, explained.

    Raises ConfigurationError, naming the setting.
    """
    path = Path(path)
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(_DEFAULT)
    try:
        if path.exists():
            parser.read_string(path.read_text(encoding='utf-8'), str(path))
        else:
            _write_default(path)
    except (OSError, UnicodeError, configparser.Error) as error:
        raise ConfigurationError(f'{path} cannot be used: {error}') from None
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
        raise ConfigurationError(f'{path}: level is {level!r}; there are {", ".join(_LOG_LEVELS)}')
    port = _integer(gateway, 'port', path)
    if not 0 < port < 65536:
        raise ConfigurationError(f'{path}: port is {port}; ports are from 1 to 65535')
    host = gateway['host'].strip()
    if ':' in host and not host.startswith('['):
        host = f'[{host}]'
    try:
        scheme = 'wss' if gateway.getboolean('encryption') else 'ws'
    except ValueError:
        raise ConfigurationError(f'{path}: encryption is yes or no') from None
    return Settings(
        url=f'{scheme}://{host}:{port}',
        token=gateway['token'].strip(),
        ca_file=gateway['ca_file'].strip(),
        log_level=level,
        log_file=log['file'].strip(),
        log_max_bytes=_integer(log, 'max_bytes', path),
        log_backups=_integer(log, 'backups', path),
    )


def _write_default(path: Path) -> None:
    # It is going to hold a token.
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), 'w') as file:
        file.write(_DEFAULT)


def _environment_name(section: str, name: str) -> str:
    return (name if section == 'gateway' else f'{section}_{name}').upper()


def _integer(section: configparser.SectionProxy, name: str, path: Path) -> int:
    try:
        value = int(section[name])
    except ValueError:
        value = -1
    if value < 0:
        raise ConfigurationError(f'{path}: {name} is a number, not {section[name]!r}')
    return value
