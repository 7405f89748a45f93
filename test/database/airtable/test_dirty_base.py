"""A base with every mistake that people make: each is named, and the rest works."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from hos_device_layer.core.spec.tables import Tables
from hos_device_layer.database.airtable.client import Airtable
from hos_device_layer.database.airtable.init import init_base
from hos_device_layer.database.airtable.matching import RememberedIds
from hos_device_layer.database.airtable.problem_report import write_back
from hos_device_layer.database.airtable.pull import BaseSnapshot, read_base
from hos_device_layer.database.airtable.push import push_tables
from hos_device_layer.testing.airtable import Fault, RunningAirtable, StoredBase, find_row

FUNCTION = {'device_types': ['UsbBridge']}

DIRTY: Tables = {
    'devices': [
        {'device_type': 'Sound', 'serialized_api': True},
        {'device_type': 'UsbBridge'},
        {'device_role': 'Haive'},
    ],
    'apis': [
        {'function_name': 'sound', 'device_types': ['Sound'], 'arguments': 'x:uint8'},
        {'function_name': 'unknown_type', 'arguments': 'x:unit8', **FUNCTION},
        {'function_name': 'no_field', 'arguments': 'x', **FUNCTION},
        {'function_name': 'empty_range', 'arguments': 'x:int8 5..1', **FUNCTION},
        {'function_name': 'range_beyond', 'results': 'x:uint8 0..300', **FUNCTION},
        {'function_name': 'twice_an_argument', 'arguments': 'x:bool, x:bool', **FUNCTION},
        {'function_name': 'no_devices'},
        {'function_name': 'negative_timeout', 'timeout_s': -1, **FUNCTION},
        {'function_name': 'half_in_flight', 'max_in_flight': 0.5, **FUNCTION},
        {'function_name': 'no_serializer', 'device_types': ['Sound']},
        {'function_name': 'wrong_template', 'device_types': ['Sound'], 'arguments': 'x:bool'},
        {'function_name': 'doubled', **FUNCTION},
    ],
    'serializers': [
        {'serializer': 'S$', 'function_name': 'sound'},
        {'serializer': 'W', 'function_name': 'wrong_template'},
    ],
    'streams': [
        {'stream': 'sound', 'values': 'x:bool', 'device_types': ['Sound']},
        {'stream': 'two words', 'values': 'x:bool', 'device_types': ['Sound']},
        {'stream': 'no_values', 'device_types': ['Sound']},
    ],
    'fleet-a': [
        {'device_id': 'SOUND', 'device_uid': 1, 'device_type': 'Sound'},
        {'device_id': 'NO_UID_YET', 'device_type': 'Sound'},
        {'device_id': 'NO_TYPE', 'device_uid': 2},
        {'device_id': 'BEYOND', 'device_uid': 2**32, 'device_type': 'Sound'},
        {'device_id': 'SHARES', 'device_uid': 3, 'device_type': 'Sound'},
        {'device_id': 'LOOP1', 'device_type': 'Sound', 'child_device': 'LOOP2'},
        {'device_id': 'LOOP2', 'device_type': 'Sound', 'child_device': 'LOOP1'},
        {'device_id': 'BAUD', 'device_type': 'Sound', 'baud_rate': -9600},
        {'device_id': 'TWIN', 'device_uid': 4, 'device_type': 'Sound'},
    ],
    'fleet-b': [{'device_id': 'SHARES_TOO', 'device_uid': 3, 'device_type': 'Sound'}],
}

# What is wrong, by table, row and column, and words of it.
MISTAKES: Mapping[tuple[str, str, str], str] = {
    ('devices', '#3', 'device_type'): 'is empty',
    ('apis', 'unknown_type', 'arguments'): "unknown type 'unit8'",
    ('apis', 'no_field', 'arguments'): 'expected name:type',
    ('apis', 'empty_range', 'arguments'): 'range is empty',
    ('apis', 'range_beyond', 'results'): 'expected uint8 (0..255), got 300',
    ('apis', 'twice_an_argument', 'arguments'): 'appears 2 times',
    ('apis', 'no_devices', 'device_types'): 'is empty',
    ('apis', 'negative_timeout', 'timeout_s'): 'expected a number of seconds above 0',
    ('apis', 'half_in_flight', 'max_in_flight'): 'expected an integer, got 0.5',
    (
        'apis',
        'no_serializer',
        'device_types',
    ): "add a row for 'no_serializer' to the table 'serializers'",
    ('apis', 'wrong_template', 'device_types'): "the serializer 'W' has a problem",
    ('apis', 'doubled', 'function_name'): 'appears 2 times',
    ('apis', 'dangling', 'device_types'): "is not in the table 'devices'",
    ('serializers', 'W', 'serializer'): "expected 1 $, one for each argument of 'wrong_template'",
    ('serializers', 'N', 'function_name'): 'is empty',
    ('streams', 'two words', 'stream'): 'expected letters',
    ('streams', 'no_values', 'values'): 'is empty',
    ('fleet-a', 'NO_TYPE', 'device_type'): 'is empty',
    ('fleet-a', 'TWO_TYPES', 'device_type'): 'expected a link to one row',
    ('fleet-a', 'BEYOND', 'device_uid'): 'expected 0..4294967295',
    ('fleet-a', 'SHARES', 'device_uid'): "'SHARES_TOO' (fleet-b)",
    ('fleet-a', 'LOOP1', 'child_device'): 'is its own descendant',
    ('fleet-a', 'BAUD', 'baud_rate'): 'expected 1..4294967295, got -9600',
    ('fleet-a', 'TWIN', 'device_id'): 'appears 2 times',
    ('fleet-b', '', 'device_id'): 'was renamed to',
    ('streams', '', 'device_types'): 'is missing',
}


@pytest.fixture
def dirty(server: RunningAirtable, airtable: Airtable) -> BaseSnapshot:
    """The base after people worked in it."""
    init_base(airtable, RememberedIds(), ['fleet-a', 'fleet-b'])
    push_tables(airtable, DIRTY, RememberedIds())
    remembered = read_base(airtable, RememberedIds()).matched.ids
    ids = server.edit(lambda base: {table.name: table.id for table in base})
    fields = remembered.columns
    (added,) = airtable.create_records(
        ids['devices'], [{fields['devices']['device_role']: 'Haive'}]
    )
    airtable.create_records(ids['apis'], [{fields['apis']['function_name']: 'doubled'}])
    airtable.create_records(ids['serializers'], [{fields['serializers']['serializer']: 'N'}])
    airtable.create_records(
        ids['fleet-a'],
        [{fields['fleet-a']['device_id']: name} for name in ('TWIN', 'TWO_TYPES')],
    )
    server.set_cell('fleet-a', 'TWO_TYPES', 'device_type', ['Sound', 'UsbBridge'])
    airtable.create_records(
        ids['apis'],
        [
            {
                fields['apis']['function_name']: 'dangling',
                fields['apis']['device_types']: [added.id],
            }
        ],
    )

    def rename_and_remove(base: StoredBase) -> None:
        base.table('fleet-b').field('device_id').name = 'Name of the device'
        streams = base.table('streams')
        streams.fields = [field for field in streams.fields if field.name != 'device_types']

    server.edit(rename_and_remove)
    return read_base(airtable, remembered)


def test_each_mistake_is_named_with_table_row_and_column(dirty: BaseSnapshot) -> None:
    found = {(p.table, p.row, p.column): p.text for p in dirty.check().problems}
    for cell, words in MISTAKES.items():
        assert words in found.get(cell, 'nothing'), (cell, found.get(cell))
    assert len(MISTAKES) >= 15


def test_the_rest_works(dirty: BaseSnapshot) -> None:
    spec = dirty.check()
    assert spec.functions.keys() == {'sound'}
    assert spec.functions['sound'].serializer is not None
    assert spec.device_types.keys() == {'Sound', 'UsbBridge'}
    assert spec.fleets['a'].keys() == {'SOUND', 'NO_UID_YET'}


def problems_column(server: RunningAirtable, table: str, row: str) -> str:
    def read(base: StoredBase) -> str:
        found = base.table(table)
        return str(find_row(found, row).cells.get(found.field('problems').id, ''))

    return server.edit(read)


def test_problems_are_written_beside_their_rows(
    server: RunningAirtable, airtable: Airtable, dirty: BaseSnapshot
) -> None:
    spec = dirty.check()
    changed = write_back(airtable, dirty, spec.problems)
    assert changed >= 20
    assert problems_column(server, 'fleet-a', 'BEYOND').startswith('device_uid: ')
    assert problems_column(server, 'fleet-a', 'SOUND') == ''

    again = read_base(airtable, dirty.matched.ids)
    assert again.check().problems == spec.problems, 'the new column is no mistake'
    server.take_calls()
    assert write_back(airtable, again, spec.problems) == 0
    assert server.take_calls() == []


def test_problems_that_are_gone_are_removed(
    server: RunningAirtable, airtable: Airtable, dirty: BaseSnapshot
) -> None:
    write_back(airtable, dirty, dirty.check().problems)
    server.set_cell('fleet-a', 'BEYOND', 'device_uid', 5)
    mended = read_base(airtable, dirty.matched.ids)
    assert write_back(airtable, mended, mended.check().problems) == 1
    assert problems_column(server, 'fleet-a', 'BEYOND') == ''


@pytest.mark.parametrize('path', ['/fields', 'tbl'])
def test_the_column_is_added_once_where_an_answer_is_lost(
    server: RunningAirtable, airtable: Airtable, dirty: BaseSnapshot, path: str
) -> None:
    server.faults.inject(Fault.LOST_ANSWER, method='POST', path=path)
    server.faults.inject(Fault.LOST_ANSWER, method='PATCH')
    write_back(airtable, dirty, dirty.check().problems)
    assert problems_column(server, 'fleet-a', 'BEYOND').startswith('device_uid: ')
