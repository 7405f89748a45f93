"""Creating the tables and columns of a base, over HTTP."""

from __future__ import annotations

import pytest

from hos_device_layer.core.errors import DatabaseError
from hos_device_layer.database.airtable.client import Airtable
from hos_device_layer.database.airtable.init import init_base
from hos_device_layer.database.airtable.matching import RememberedIds
from hos_device_layer.testing.airtable import Fault, RunningAirtable

FLEETS = ['fleet-demo', 'fleet-lab']
LOST = [Fault.LOST_ANSWER, Fault.SERVER_ERROR_AFTER]


def table_names(server: RunningAirtable) -> list[str]:
    return server.edit(lambda base: [table.name for table in base])


def test_init_is_repeatable(server: RunningAirtable, airtable: Airtable) -> None:
    created = init_base(airtable, RememberedIds(), FLEETS)
    assert len(created) == 13
    assert len(server.take_calls()) == 1 + len(created)
    assert init_base(airtable, RememberedIds(), FLEETS) == []
    assert len(server.take_calls()) == 1


@pytest.mark.parametrize('fault', LOST)
@pytest.mark.parametrize('path', ['/tables', '/fields'])
@pytest.mark.parametrize('skip', [0, 2])
def test_init_creates_nothing_twice_where_an_answer_is_lost(
    server: RunningAirtable, airtable: Airtable, fault: Fault, path: str, skip: int
) -> None:
    server.faults.inject(fault, method='POST', path=path, skip=skip)
    assert len(init_base(airtable, RememberedIds(), FLEETS)) == 13
    assert table_names(server) == ['devices', 'apis', 'serializers', 'streams', *FLEETS]
    columns = server.edit(lambda base: [field.name for field in base.table('apis').fields])
    assert columns.count('device_types') == 1


def test_init_gives_up_on_a_connection_that_keeps_breaking(
    server: RunningAirtable, airtable: Airtable
) -> None:
    server.faults.inject(Fault.SERVER_ERROR, method='POST', times=100)
    with pytest.raises(DatabaseError, match='keeps breaking; try again later'):
        init_base(airtable, RememberedIds(), FLEETS)


def test_init_says_what_airtable_does_not_take(
    server: RunningAirtable, airtable: Airtable
) -> None:
    server.edit(
        lambda base: base.create_table('DEVICES', '', [{'name': 'x', 'type': 'singleLineText'}])
    )
    with pytest.raises(DatabaseError, match='DUPLICATE_TABLE_NAME'):
        init_base(airtable, RememberedIds(), FLEETS)
