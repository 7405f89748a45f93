"""An Airtable on a loopback port, and what reads and writes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hos_device_layer.core.tables import Tables
from hos_device_layer.device_database import LocalCopy
from hos_device_layer.device_database.airtable import Airtable
from hos_device_layer.device_database.bootstrap import init_base
from hos_device_layer.device_database.columns import Memory
from hos_device_layer.device_database.credentials import find_credentials
from hos_device_layer.device_database.pace import Pace, Pacer
from hos_device_layer.device_database.pushing import push_tables
from hos_device_layer.testing.airtable import RunningAirtable, running_airtable

SAMPLE = Path(__file__).parents[2] / 'device_db'

# As patient as a real one, without the waiting.
QUICK = Pace(requests=10_000, lock_out_s=0.0, backoff_s=0.0, read_timeout_s=0.5)


@pytest.fixture
def server() -> Iterator[RunningAirtable]:
    with running_airtable() as server:
        yield server


@pytest.fixture
def connect(server: RunningAirtable) -> Callable[[], Airtable]:
    credentials = find_credentials(server.environment)
    return lambda: Airtable(credentials, Pacer(QUICK), server.url)


@pytest.fixture
def airtable(connect: Callable[[], Airtable]) -> Airtable:
    return connect()


@pytest.fixture
def sample() -> Tables:
    return LocalCopy(SAMPLE).read_tables()[0]


@pytest.fixture
def filled(server: RunningAirtable, airtable: Airtable, sample: Tables) -> RunningAirtable:
    """The server with the sample in its base."""
    init_base(airtable, Memory(), [table for table in sample if table.startswith('fleet-')])
    push_tables(airtable, sample, Memory())
    server.take_calls()
    return server
