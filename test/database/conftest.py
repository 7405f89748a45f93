"""An Airtable on a loopback port, and what reads and writes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from project import SAMPLE_DB

from hos_device_layer.core.spec.tables import Tables
from hos_device_layer.database import LocalCopy
from hos_device_layer.database.airtable.client import Airtable
from hos_device_layer.database.airtable.credentials import find_credentials
from hos_device_layer.database.airtable.init import init_base
from hos_device_layer.database.airtable.matching import RememberedIds
from hos_device_layer.database.airtable.push import push_tables
from hos_device_layer.database.airtable.rate_limiter import RateLimiter, RequestPolicy
from hos_device_layer.testing.airtable import RunningAirtable, running_airtable

# For the tests of a server that does not answer: everything else has all the time it needs [s].
SHORT_TIMEOUT_S = 0.5


@pytest.fixture
def server() -> Iterator[RunningAirtable]:
    with running_airtable() as server:
        yield server


@pytest.fixture
def connect(server: RunningAirtable) -> Callable[..., Airtable]:
    """Open clients that repeat requests as a real one does, without the waiting."""
    credentials = find_credentials(server.environment)

    def connect(read_timeout_s: float = 40.0) -> Airtable:
        policy = RequestPolicy(
            requests=10_000, lockout_s=0.0, backoff_s=0.0, read_timeout_s=read_timeout_s
        )
        return Airtable(credentials, RateLimiter(policy), server.url)

    return connect


@pytest.fixture
def airtable(connect: Callable[..., Airtable]) -> Airtable:
    return connect()


@pytest.fixture
def hasty_airtable(connect: Callable[..., Airtable]) -> Airtable:
    """A client that soon gives up a server that does not answer."""
    return connect(SHORT_TIMEOUT_S)


@pytest.fixture
def sample() -> Tables:
    return LocalCopy(SAMPLE_DB).read_tables()[0]


@pytest.fixture
def filled(server: RunningAirtable, airtable: Airtable, sample: Tables) -> RunningAirtable:
    """The server with the sample in its base."""
    init_base(airtable, RememberedIds(), [table for table in sample if table.startswith('fleet-')])
    push_tables(airtable, sample, RememberedIds())
    server.take_calls()
    return server
