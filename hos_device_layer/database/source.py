"""The choice between Airtable and the local copy."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from ..core.errors import DatabaseError
from ..core.spec.records import Spec
from .airtable.client import AIRTABLE_URL, Airtable
from .airtable.credentials import find_credentials
from .airtable.pull import BaseSnapshot, read_base
from .airtable.rate_limiter import RateLimiter, RequestPolicy
from .airtable.sync_state import load_sync_state, save_sync_state
from .local_copy import LocalCopy

# For a proxy, or the loopback Airtable of `hos_device_layer.testing`.
ENDPOINT_VARIABLE = 'AIRTABLE_ENDPOINT_URL'

_NOT_STORED = (
    'The specification from Airtable is used, but without Airtable the next start would use an '
    'older one. If the folder cannot be written, set the parameter device_db_path to one that can'
)


class Snapshot(msgspec.Struct, frozen=True):
    """
    A specification as it was read, where it is from, and a warning to the user.

    `is_fallback` tells that the source itself could not be read; the warning says why.
    """

    spec: Spec
    origin: str
    warning: str = ''
    is_fallback: bool = False


class SpecSource(Protocol):
    """A source of specifications."""

    def read_copy(self) -> Snapshot:
        """
        Return what a manager starts with, without the network; raises DatabaseError if none.

        A table that cannot be read is empty, and one of the problems of the specification.
        """

    def read(self) -> Snapshot:
        """
        Return the current specification; raises DatabaseError if there is none.

        One with a table that cannot be read is none: it would remove what the table describes.
        """


class LocalSource:
    """The local copy alone; never uses the network."""

    def __init__(self, copy: LocalCopy) -> None:
        self.copy = copy

    def read_copy(self) -> Snapshot:
        """Return what can be read of the local copy; raises DatabaseError if there is none."""
        return self._snapshot(self.copy.read())

    def read(self) -> Snapshot:
        """Return the local copy; raises DatabaseError if not all of it can be read."""
        return self._snapshot(self.copy.read_whole())

    def _snapshot(self, spec: Spec) -> Snapshot:
        return Snapshot(spec, f'the local copy {self.copy.folder}')


class _NotStored(NamedTuple):
    """A base that was read and could not be written to the local copy."""

    spec: Spec
    time: datetime


class AirtableSource:
    """Airtable, with the local copy as the fallback; each read updates that copy."""

    def __init__(
        self,
        connect: Callable[[], Airtable],
        copy: LocalCopy,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self.copy = copy
        self._connect = connect
        self._now = now
        self._not_stored: _NotStored | None = None

    def read_copy(self) -> Snapshot:
        """Return what can be read of the local copy; raises DatabaseError if there is none."""
        return self._snapshot(self.copy.read())

    def read(self) -> Snapshot:
        """Return the specification in Airtable, else the latest that was there."""
        try:
            base = self._read_base()
        except DatabaseError as error:
            return self._fallback(error)
        warning = self._try_to_store(base)
        spec = base.check()
        self._not_stored = _NotStored(spec, self._now()) if warning else None
        return Snapshot(spec, 'Airtable', warning)

    def pull(self) -> BaseSnapshot:
        """Read the base into the local copy; raises DatabaseError and then changes nothing."""
        base = self._read_base()
        self._store(base)
        return base

    def _read_base(self) -> BaseSnapshot:
        return read_base(self._connect(), load_sync_state(self.copy.folder).remembered)

    def _store(self, base: BaseSnapshot) -> None:
        self.copy.write(base.tables)
        state = load_sync_state(self.copy.folder)
        save_sync_state(
            self.copy.folder,
            msgspec.structs.replace(state, pulled=self._now(), remembered=base.matched.ids),
        )

    def _try_to_store(self, base: BaseSnapshot) -> str:
        """Return a warning if the local copy cannot be written, else ''."""
        try:
            self._store(base)
        except DatabaseError as error:
            return f'{error}. {_NOT_STORED}'
        return ''

    def _fallback(self, error: DatabaseError) -> Snapshot:
        try:
            latest = self._latest()
        except DatabaseError as no_copy:
            raise DatabaseError(f'{error}; {no_copy}') from error
        warning = f'{error}; using {latest.origin}'
        return msgspec.structs.replace(latest, warning=warning, is_fallback=True)

    def _latest(self) -> Snapshot:
        if self._not_stored is None:
            return self._snapshot(self.copy.read_whole())
        age = describe_age(self._now() - self._not_stored.time)
        return Snapshot(self._not_stored.spec, f'Airtable, read {age} ago')

    def _snapshot(self, spec: Spec) -> Snapshot:
        age = describe_age(self._now() - self._copy_time())
        return Snapshot(spec, f'the local copy {self.copy.folder}, which is {age} old')

    def _copy_time(self) -> datetime:
        return load_sync_state(self.copy.folder).pulled or self.copy.changed()


def open_airtable(
    credentials_file: Path | None = None, policy: RequestPolicy | None = None
) -> Airtable:
    """Open the base named by the environment; sends nothing yet. Raises DatabaseError."""
    credentials = find_credentials(file=credentials_file)
    url = os.environ.get(ENDPOINT_VARIABLE) or AIRTABLE_URL
    return Airtable(credentials, RateLimiter(policy or RequestPolicy()), url)


def describe_age(age: timedelta) -> str:
    """Describe an age roughly: `3 days`."""
    for unit, seconds in (('day', 86_400), ('hour', 3_600), ('minute', 60)):
        count = int(age.total_seconds() // seconds)
        if count:
            return f'{count} {unit}{"s" if count > 1 else ""}'
    return 'less than a minute'
