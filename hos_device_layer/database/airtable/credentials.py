"""The credentials of the Airtable base: found, validated and kept out of every text."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from ...core.errors import DatabaseError

API_KEY_VARIABLE = 'AIRTABLE_API_KEY'
BASE_ID_VARIABLE = 'AIRTABLE_BASE_ID'

# Read if the environment does not set both variables.
DEFAULT_FILE = Path('~/.config/hos_device_layer/airtable.env')

_HIDDEN = '…'


class Credentials:
    """A token and the id of its base; both are secrets and never part of a `repr`."""

    __slots__ = ('api_key', 'base_id')

    def __init__(self, api_key: str, base_id: str) -> None:
        self.api_key = api_key
        self.base_id = base_id

    def __repr__(self) -> str:
        return 'Credentials()'

    def redact(self, text: str) -> str:
        """Return a text without the secrets in it."""
        return text.replace(self.api_key, _HIDDEN).replace(self.base_id, _HIDDEN)


def find_credentials(
    environment: Mapping[str, str] = os.environ, file: Path | None = None
) -> Credentials:
    """
    Return the credentials in the environment, else those in `file`, else in DEFAULT_FILE.

    Raises DatabaseError if one is missing or malformed, or if others may access the file.
    """
    names = (API_KEY_VARIABLE, BASE_ID_VARIABLE)
    values = {name: environment.get(name, '').strip() for name in names}
    if not all(values.values()):
        path = (file or DEFAULT_FILE).expanduser()
        if path.exists() or file is not None:
            in_file = _read_file(path)
            values = {name: values[name] or in_file.get(name, '') for name in names}
    missing = [name for name in names if not values[name]]
    if missing:
        raise DatabaseError(
            f'{" and ".join(missing)} {"is" if len(missing) == 1 else "are"} not set; set '
            f'{"it" if len(missing) == 1 else "them"} in the environment or in {DEFAULT_FILE} '
            '(see docs/airtable.md)'
        )
    api_key, base_id = (values[name] for name in names)
    if not (api_key.isascii() and api_key.isprintable() and ' ' not in api_key):
        raise DatabaseError(
            f'{API_KEY_VARIABLE}: expected printable ASCII without spaces, as in a token'
        )
    if not (base_id.isascii() and base_id.isalnum() and base_id.startswith('app')):
        raise DatabaseError(
            f'{BASE_ID_VARIABLE}: expected app followed by letters and digits, as in the address '
            'of the base in the browser'
        )
    return Credentials(api_key, base_id)


def _read_file(path: Path) -> dict[str, str]:
    """Read `NAME=value` lines."""
    try:
        mode = path.stat().st_mode
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise DatabaseError(
                f'others may access {path}, which contains a token; run `chmod 600 {path}`'
            )
        lines = path.read_text(encoding='utf-8').splitlines()
    except (OSError, UnicodeError) as error:
        if isinstance(error, DatabaseError):
            raise
        raise DatabaseError(f'cannot read the credentials in {path}: {error}') from None
    pairs = (line.removeprefix('export ').partition('=') for line in lines)
    return {name.strip(): value.strip().strip('\'"') for name, _, value in pairs}
