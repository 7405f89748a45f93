"""Access tokens, stored as hashes in a file that only its owner can read."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
import tempfile
from pathlib import Path

import msgspec

from ...core.errors import HosError
from ...core.rosbridge import Access, Role
from ...paths import user_path

# 256 random bits need no slow hash: they cannot be guessed.
_TOKEN_BYTES = 32
_PREFIX = 'hos_'


class TokenError(HosError, ValueError):
    """A token cannot be created or found, or the token file cannot be used."""


class TokenRecord(msgspec.Struct, frozen=True):
    """What is stored of a token; `uids` None means any device."""

    name: str
    role: Role
    sha256: str
    uids: tuple[int, ...] | None = None
    created: str = ''

    @property
    def access(self) -> Access:
        """What the bearer of the token may do."""
        uids = None if self.uids is None else frozenset(self.uids)
        return Access(frozenset({self.role}), uids, self.name)


class TokenFile:
    """The tokens of a gateway; the file is read again after a change."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._records: tuple[TokenRecord, ...] = ()
        self._read_stamp: tuple[int, int] | None = None

    def records(self) -> tuple[TokenRecord, ...]:
        """Return all tokens; raises TokenError if the file cannot be used."""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            self._records, self._read_stamp = (), None
            return ()
        except OSError as error:
            raise TokenError(f'the token file cannot be read: {error}') from None
        if stat.S_IMODE(status.st_mode) & 0o077:
            raise TokenError(
                f'the token file {self.path} can be read by others; run: chmod 600 {self.path}'
            )
        stamp = status.st_mtime_ns, status.st_ino
        if stamp != self._read_stamp:
            self._records, self._read_stamp = self._read(), stamp
        return self._records

    def authenticate(self, token: str) -> Access | None:
        """Return the access of a token, or None if it is not valid; raises TokenError."""
        digest = _digest(token)
        # Every record is compared, each in constant time: the duration reveals nothing.
        matches = [r for r in self.records() if hmac.compare_digest(r.sha256, digest)]
        return matches[0].access if matches else None

    def add(self, name: str, role: Role, uids: tuple[int, ...] | None, created: str) -> str:
        """Create a token and return it; only its hash is stored."""
        records = self.records()
        if not name or not name.isprintable():
            raise TokenError(
                'a token needs a printable name, which identifies it in lists and logs'
            )
        if any(record.name == name for record in records):
            raise TokenError(f'a token named {name!r} already exists; revoke it first')
        token = _PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)
        record = TokenRecord(name, role, _digest(token), uids, created)
        self._write((*records, record))
        return token

    def revoke(self, name: str) -> None:
        """Revoke a token; raises TokenError if none has this name."""
        records = self.records()
        rest = tuple(record for record in records if record.name != name)
        if len(rest) == len(records):
            known = ', '.join(record.name for record in records) or 'none'
            raise TokenError(f'there is no token {name!r}; existing tokens: {known}')
        self._write(rest)

    def _read(self) -> tuple[TokenRecord, ...]:
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=tuple[TokenRecord, ...])
        except (OSError, msgspec.DecodeError) as error:
            raise TokenError(f'the token file {self.path} cannot be read: {error}') from None

    def _write(self, records: tuple[TokenRecord, ...]) -> None:
        text = msgspec.json.format(msgspec.json.encode(records), indent=2)
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # mkstemp creates a file that only its owner may read.
            handle, temporary = tempfile.mkstemp(dir=self.path.parent, prefix='.tokens')
            with os.fdopen(handle, 'wb') as file:
                file.write(text + b'\n')
            Path(temporary).replace(self.path)
        except OSError as error:
            raise TokenError(f'the token file cannot be written: {error}') from None
        self._records, self._read_stamp = (), None


def default_token_file() -> Path:
    """Return where tokens are stored by default."""
    return (
        user_path(os.environ.get('XDG_CONFIG_HOME') or '~/.config')
        / 'hos_device_layer'
        / 'tokens.json'
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode('utf-8', 'surrogatepass')).hexdigest()
