"""Access tokens, stored as hashes in a file that only its owner can read."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from ...core.errors import HosError
from ...core.rosbridge import Access, Role
from ...paths import user_path

# 256 random bits need no slow hash: they cannot be guessed.
_TOKEN_BYTES = 32
_PREFIX = 'hos_'

# The times of files have a resolution of a few milliseconds, of up to 2 s on some file systems.
_UNSETTLED_NS = 3_000_000_000

_LOCK_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC


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
        return Access(frozenset({self.role}), uids, self.name, self.sha256)


class TokenFile:
    """
    The tokens of a gateway; the file is read again after a change.

    Several programs may change it at once: one after the other, under a lock.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._records: tuple[TokenRecord, ...] = ()
        self._accesses: dict[str, Access] = {}
        self._read_stamp: tuple[int, ...] | None = None

    def records(self) -> tuple[TokenRecord, ...]:
        """Return all tokens; raises TokenError if the file cannot be used."""
        self._refresh()
        return self._records

    def accesses(self) -> frozenset[Access]:
        """Return what the bearers of all tokens may do; raises TokenError."""
        self._refresh()
        return frozenset(self._accesses.values())

    def authenticate(self, token: str) -> Access | None:
        """Return the access of a token, or None if it is not valid; raises TokenError."""
        self._refresh()
        # What the duration of the search reveals of a hash does not help to find the token.
        return self._accesses.get(_digest(token))

    def add(self, name: str, role: Role, uids: tuple[int, ...] | None, created: str) -> str:
        """Create a token and return it; only its hash is stored."""
        if not name or not name.isprintable():
            raise TokenError(
                'a token needs a printable name, which identifies it in lists and logs'
            )
        with self._locked():
            records = self.records()
            if any(record.name == name for record in records):
                raise TokenError(f'a token named {name!r} already exists; revoke it first')
            token = _PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)
            self._write((*records, TokenRecord(name, role, _digest(token), uids, created)))
        return token

    def revoke(self, name: str) -> None:
        """Revoke a token; raises TokenError if none has this name."""
        with self._locked():
            records = self.records()
            rest = tuple(record for record in records if record.name != name)
            if len(rest) == len(records):
                known = ', '.join(record.name for record in records) or 'none'
                raise TokenError(f'there is no token {name!r}; existing tokens: {known}')
            self._write(rest)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Wait until no other program changes the file; its place is taken by a new file."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self.path.with_name(f'.{self.path.name}.lock'), _LOCK_FLAGS, 0o600)
        except OSError as error:
            raise self._write_error(error) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _refresh(self) -> None:
        try:
            status = self.path.stat()
        except FileNotFoundError:
            self._keep((), None)
            return
        except OSError as error:
            raise self._read_error(error) from None
        if stat.S_IMODE(status.st_mode) & 0o077:
            raise TokenError(
                f'the token file {self.path} can be read by others; run: chmod 600 {self.path}'
            )
        stamp = status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_size
        if stamp != self._read_stamp:
            # Two changes that follow each other closely may leave the same stamp.
            is_settled = abs(time.time_ns() - status.st_mtime_ns) > _UNSETTLED_NS
            self._keep(self._read(), stamp if is_settled else None)

    def _keep(self, records: tuple[TokenRecord, ...], stamp: tuple[int, ...] | None) -> None:
        self._records, self._read_stamp = records, stamp
        self._accesses = {record.sha256: record.access for record in records}

    def _read(self) -> tuple[TokenRecord, ...]:
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=tuple[TokenRecord, ...])
        except (OSError, msgspec.DecodeError) as error:
            raise self._read_error(error) from None

    def _write(self, records: tuple[TokenRecord, ...]) -> None:
        text = msgspec.json.format(msgspec.json.encode(records), indent=2)
        try:
            # mkstemp creates a file that only its owner may read.
            handle, temporary = tempfile.mkstemp(dir=self.path.parent, prefix='.tokens')
            with os.fdopen(handle, 'wb') as file:
                file.write(text + b'\n')
            Path(temporary).replace(self.path)
        except OSError as error:
            raise self._write_error(error) from None
        self._keep((), None)

    def _read_error(self, error: Exception) -> TokenError:
        return TokenError(f'the token file {self.path} cannot be read: {_reason(error)}')

    def _write_error(self, error: OSError) -> TokenError:
        return TokenError(f'the token file {self.path} cannot be written: {_reason(error)}')


def default_token_file() -> Path:
    """Return where tokens are stored by default."""
    return (
        user_path(os.environ.get('XDG_CONFIG_HOME') or '~/.config')
        / 'hos_device_layer'
        / 'tokens.json'
    )


def _reason(error: Exception) -> str:
    return getattr(error, 'strerror', None) or str(error)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode('utf-8', 'surrogatepass')).hexdigest()
