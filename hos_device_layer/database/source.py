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
from .airtable.pull import Reading, read_base
from .airtable.rate_limiter import RateLimiter, RequestPolicy
from .airtable.sync_state import load_sync_state, save_sync_state
from .local_copy import LocalCopy

# For a proxy of one's own, or the Airtable of `hos_device_layer.testing`.
ENDPOINT_VARIABLE = 'AIRTABLE_ENDPOINT_URL'


class SpecReading(msgspec.Struct, frozen=True):
    """A specification, where it comes from, and what the user should know about that."""

    spec: Spec
    origin: str
    warning: str = ''


class SpecSource(Protocol):
    """Where specifications come from."""

    def read(self) -> SpecReading:
        """Return the present specification; raises DatabaseError where there is none."""


class LocalSource:
    """The local copy alone: never touches the network."""

    def __init__(self, copy: LocalCopy) -> None:
        self.copy = copy

    def read(self) -> SpecReading:
        return SpecReading(self.copy.read(), f'the local copy {self.copy.folder}')


class AirtableSource:
    """Airtable, with the local copy to fall back to; what is read renews that copy."""

    def __init__(
        self,
        connect: Callable[[], Airtable],
        copy: LocalCopy,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self.copy = copy
        self._connect = connect
        self._now = now

    def read(self) -> SpecReading:
        """Return what stands in Airtable, else the local copy with a warning."""
        try:
            return SpecReading(self.pull().check(), 'Airtable')
        except DatabaseError as error:
            fallback = LocalSource(self.copy).read()
            return msgspec.structs.replace(
                fallback,
                warning=(
                    f'{error}; so this is {fallback.origin}, '
                    f'{describe_age(self._now() - self._copy_time())} old'
                ),
            )

    def pull(self) -> Reading:
        """Read the whole base into the local copy, or raise DatabaseError and leave it alone."""
        state = load_sync_state(self.copy.folder)
        reading = read_base(self._connect(), state.memory)
        self.copy.write(reading.tables)
        save_sync_state(
            self.copy.folder,
            msgspec.structs.replace(state, pulled=self._now(), memory=reading.found.memory),
        )
        return reading

    def _copy_time(self) -> datetime:
        return load_sync_state(self.copy.folder).pulled or self.copy.changed()


def open_airtable(
    credentials_file: Path | None = None, pace: RequestPolicy | None = None
) -> Airtable:
    """Open the base that the environment names; sends nothing yet. Raises DatabaseError."""
    credentials = find_credentials(file=credentials_file)
    url = os.environ.get(ENDPOINT_VARIABLE) or AIRTABLE_URL
    return Airtable(credentials, RateLimiter(pace or RequestPolicy()), url)


def describe_age(age: timedelta) -> str:
    """Say roughly how long something took place ago: `3 days`."""
    for unit, seconds in (('day', 86_400), ('hour', 3_600), ('minute', 60)):
        count = int(age.total_seconds() // seconds)
        if count:
            return f'{count} {unit}{"s" if count > 1 else ""}'
    return 'less than a minute'
