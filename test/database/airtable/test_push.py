"""Writing a specification into a base, over HTTP."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from hos_device_layer.core.errors import DatabaseError
from hos_device_layer.core.spec.checks import check_tables
from hos_device_layer.core.spec.tables import Tables
from hos_device_layer.database.airtable.client import Airtable
from hos_device_layer.database.airtable.init import init_base
from hos_device_layer.database.airtable.matching import RememberedIds
from hos_device_layer.database.airtable.pull import read_base
from hos_device_layer.database.airtable.push import PushSummary, push_tables
from hos_device_layer.source_tree import HOS
from hos_device_layer.testing.airtable import Fault, RunningAirtable, StoredBase

FLEETS = ['fleet-demo', 'fleet-lab']
LOST = [Fault.LOST_ANSWER, Fault.SERVER_ERROR_AFTER]


def row_counts(server: RunningAirtable) -> Mapping[str, int]:
    return server.edit(lambda base: {table.name: len(table.records) for table in base})


def test_push_brings_the_whole_sample(
    filled: RunningAirtable, airtable: Airtable, sample: Tables
) -> None:
    snapshot = read_base(airtable, RememberedIds())
    assert snapshot.check() == check_tables(sample)
    assert snapshot.check().problems == ()


def test_push_again_writes_nothing(
    filled: RunningAirtable, airtable: Airtable, sample: Tables
) -> None:
    pushed = push_tables(airtable, sample, RememberedIds())
    assert {(p.added, p.changed) for p in pushed} == {(0, 0)}
    assert {call.partition(' ')[0] for call in filled.take_calls()} == {'GET'}


def test_push_changes_what_differs_and_leaves_what_only_the_base_has(
    filled: RunningAirtable, airtable: Airtable, sample: Tables
) -> None:
    filled.set_cell('apis', 'light_set', 'description', 'changed in the base')
    filled.set_cell('apis', 'light_set', 'timeout_s', 5)
    filled.set_cell('apis', 'light_set', 'device_types', ['Shaker'])
    filled.set_cell('streams', 'mass', 'stream', 'only_in_base')

    pushed = {p.table: p for p in push_tables(airtable, sample, RememberedIds())}
    assert pushed['apis'] == PushSummary('apis', 0, 1, 0)
    assert pushed['streams'] == PushSummary('streams', 1, 0, 1)
    after = read_base(airtable, RememberedIds()).check()
    assert after.functions == check_tables(sample).functions
    assert set(after.streams) == {*check_tables(sample).streams, 'only_in_base'}


@pytest.mark.parametrize('fault', LOST)
@pytest.mark.parametrize('table', ['devices', 'apis', 'serializers', 'fleet-demo'])
def test_push_doubles_no_row_where_an_answer_is_lost(
    server: RunningAirtable, airtable: Airtable, sample: Tables, fault: Fault, table: str
) -> None:
    init_base(airtable, RememberedIds(), FLEETS)
    table_id = server.edit(lambda base: base.table(table).id)
    for method in ('POST', 'PATCH'):
        server.faults.inject(fault, method=method, path=table_id, times=2)
    push_tables(airtable, sample, RememberedIds())
    assert row_counts(server) == {name: len(rows) for name, rows in sample.items()}
    assert read_base(airtable, RememberedIds()).check() == check_tables(sample)


def test_push_goes_on_after_it_was_interrupted(
    server: RunningAirtable, airtable: Airtable, sample: Tables
) -> None:
    init_base(airtable, RememberedIds(), FLEETS)
    server.faults.inject(Fault.MONTHLY_LIMIT, method='PATCH', skip=4)
    with pytest.raises(DatabaseError, match='calls of this month'):
        push_tables(airtable, sample, RememberedIds())
    push_tables(airtable, sample, RememberedIds())
    assert row_counts(server) == {name: len(rows) for name, rows in sample.items()}


def test_push_names_what_the_base_lacks_and_writes_nothing(
    server: RunningAirtable, airtable: Airtable, sample: Tables
) -> None:
    init_base(airtable, RememberedIds(), ['fleet-demo'])

    def remove_column(base: StoredBase) -> None:
        apis = base.table('apis')
        apis.fields = [field for field in apis.fields if field.name != 'timeout_s']

    server.edit(remove_column)
    server.take_calls()
    with pytest.raises(DatabaseError) as caught:
        push_tables(airtable, sample, RememberedIds())
    assert str(caught.value) == (
        "the base lacks the column 'timeout_s' of the table 'apis', the table 'fleet-lab'; "
        f'run `{HOS} db init`'
    )
    assert {call.partition(' ')[0] for call in server.take_calls()} == {'GET'}


def test_push_finds_the_other_name_of_the_serializers(
    server: RunningAirtable, airtable: Airtable, sample: Tables
) -> None:
    init_base(airtable, RememberedIds(), FLEETS)

    def rename(base: StoredBase) -> None:
        base.table('serializers').name = 'api_serializers'

    server.edit(rename)
    push_tables(airtable, sample, RememberedIds())
    assert row_counts(server)['api_serializers'] == len(sample['serializers'])
    assert read_base(airtable, RememberedIds()).check().problems == ()


def test_functions_that_are_serialized_alike_stay_apart(
    server: RunningAirtable, airtable: Airtable, sample: Tables
) -> None:
    alike = [{**row, 'serializer': 'Q'} for row in sample['serializers'][:3]]
    init_base(airtable, RememberedIds(), FLEETS)
    for _ in range(2):
        push_tables(airtable, {**sample, 'serializers': alike}, RememberedIds())
        assert row_counts(server)['serializers'] == 3


def test_a_column_of_another_kind_is_told(
    server: RunningAirtable, airtable: Airtable, sample: Tables
) -> None:
    init_base(airtable, RememberedIds(), FLEETS)

    def make_number(base: StoredBase) -> None:
        field = base.table('devices').field('ros_target')
        field.type, field.options = 'number', {'precision': 0}

    server.edit(make_number)
    with pytest.raises(DatabaseError, match="the table 'devices' does not keep what is written"):
        push_tables(airtable, sample, RememberedIds())


def test_a_new_role_becomes_a_choice(
    filled: RunningAirtable, airtable: Airtable, sample: Tables
) -> None:
    row = {'device_type': 'Crane', 'device_role': 'Lifting'}
    push_tables(airtable, {**sample, 'devices': [*sample['devices'], row]}, RememberedIds())
    assert read_base(airtable, RememberedIds()).check().device_types['Crane'].role == 'Lifting'
