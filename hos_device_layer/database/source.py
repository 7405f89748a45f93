"""The choice between Airtable and the local copy."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Protocol

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


class Snapshot(msgspec.Struct, frozen=True):
    """A specification as it was read, its source, and a warning to the user."""

    spec: Spec
    origin: str
    warning: str = ''


class SpecSource(Protocol):
    """A source of specifications."""

    def read(self) -> Snapshot:
        """Return the current specification; raises DatabaseError if there is none."""


class LocalSource:
    """The local copy alone; never uses the network."""

    def __init__(self, copy: LocalCopy) -> None:
        self.copy = copy

    def read(self) -> Snapshot:
        """Return the local copy; raises DatabaseError if there is none."""
        return Snapshot(self.copy.read(), f'the local copy {self.copy.folder}')


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

    def read(self) -> Snapshot:
        """Return the specification in Airtable, else the local copy with a warning."""
        try:
            return Snapshot(self.pull().check(), 'Airtable')
        except DatabaseError as error:
            fallback = LocalSource(self.copy).read()
            return msgspec.structs.replace(
                fallback,
                warning=(
                    f'{error}; using {fallback.origin}, which is '
                    f'{describe_age(self._now() - self._copy_time())} old'
                ),
            )

    def pull(self) -> BaseSnapshot:
        """Read the base into the local copy; raises DatabaseError and then changes nothing."""
        state = load_sync_state(self.copy.folder)
        snapshot = read_base(self._connect(), state.remembered)
        self.copy.write(snapshot.tables)
        save_sync_state(
            self.copy.folder,
            msgspec.structs.replace(state, pulled=self._now(), remembered=snapshot.matched.ids),
        )
        return snapshot

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
