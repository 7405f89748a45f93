"""A running fake Airtable, as pyairtable and raw requests see it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pyairtable import Api
from pyairtable.api.base import Base as ApiBase
from raw_airtable import NAME, Raw

from hos_device_layer.testing.airtable import RunningAirtable, running_airtable


@pytest.fixture
def server() -> Iterator[RunningAirtable]:
    with running_airtable() as server:
        yield server


@pytest.fixture
def base(server: RunningAirtable) -> ApiBase:
    environment = server.environment
    api = Api(environment['AIRTABLE_API_KEY'], endpoint_url=server.url, retry_strategy=None)
    return api.base(environment['AIRTABLE_BASE_ID'])


@pytest.fixture
def raw(server: RunningAirtable) -> Raw:
    return Raw(server)


@pytest.fixture
def linked(base: ApiBase) -> tuple[Any, Any]:
    parents, children = base.create_table('Parents', [NAME]), base.create_table('Children', [NAME])
    parents.create_field('Kids', 'multipleRecordLinks', options={'linkedTableId': children.id})
    return parents, children
