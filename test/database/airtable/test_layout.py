from __future__ import annotations

import pytest

from hos_device_layer.core.spec.schema import Column, Kind
from hos_device_layer.database.airtable.base_schema import FieldSchema, TableSchema
from hos_device_layer.database.airtable.layout import NewField, NewTable, field_of, missing_parts
from hos_device_layer.database.airtable.matching import RememberedIds
from hos_device_layer.testing.airtable.model import PRIMARY_TYPES, WRITABLE_TYPES

FLEETS = ['fleet-lab']


def table(name: str, *columns: str) -> TableSchema:
    fields = (FieldSchema(f'fld-{name}-{c}', c, 'singleLineText') for c in columns)
    return TableSchema(f'tbl-{name}', name, tuple(fields))


STREAMS = table('streams', 'stream', 'values', 'device_types', 'my notes')


@pytest.mark.parametrize('kind', Kind)
def test_airtable_holds_every_kind_of_column(kind: Kind) -> None:
    field = field_of(Column('x', kind, 'A column.', when_empty='nothing'))
    assert field['name'] == 'x'
    assert field['type'] in WRITABLE_TYPES
    assert field['description'] == 'A column. Empty: nothing.'


@pytest.mark.parametrize('kind', [Kind.NAME, Kind.TOPIC_NAME, Kind.TEMPLATE])
def test_a_name_can_be_the_first_column_of_a_table(kind: Kind) -> None:
    assert field_of(Column('x', kind, 'A column.'))['type'] in PRIMARY_TYPES


def test_choices_are_offered() -> None:
    field = field_of(Column('x', Kind.CHOICE, 'A column.', choices=('Haive', 'Bridge')))
    assert field['options'] == {'choices': [{'name': 'Haive'}, {'name': 'Bridge'}]}


def test_an_empty_base_lacks_everything_with_links_last() -> None:
    parts = missing_parts([table('Table 1', 'Name')], RememberedIds(), FLEETS)
    tables = [part for part in parts if isinstance(part, NewTable)]
    fields = [part for part in parts if isinstance(part, NewField)]
    assert parts == [*tables, *fields]
    assert [t.name for t in tables] == ['devices', 'apis', 'serializers', 'streams', 'fleet-lab']
    assert [t.fields[0]['name'] for t in tables] == [
        'device_type',
        'function_name',
        'serializer',
        'stream',
        'device_id',
    ]
    assert {(f.table, f.field['name']): f.links_to for f in fields} == {
        ('apis', 'device_types'): 'devices',
        ('serializers', 'function_name'): 'apis',
        ('streams', 'device_types'): 'devices',
        ('fleet-lab', 'device_type'): 'devices',
        ('fleet-lab', 'child_device'): 'fleet-lab',
    }


def test_a_half_filled_base_lacks_only_what_is_missing() -> None:
    half = [table('api_serializers', 'serializer', 'function_name'), STREAMS]
    parts = missing_parts(half, RememberedIds(), [])
    assert [p.name for p in parts if isinstance(p, NewTable)] == ['devices', 'apis']
    assert [(p.table, p.field['name']) for p in parts if isinstance(p, NewField)] == [
        ('apis', 'device_types'),
        ('streams', 'description'),
    ]


def test_a_renamed_column_is_not_created_again() -> None:
    remembered = RememberedIds({}, {'streams': {'description': 'fld-streams-my notes'}})
    parts = missing_parts([STREAMS], remembered, [])
    assert not any(isinstance(p, NewField) and p.table == 'streams' for p in parts)
