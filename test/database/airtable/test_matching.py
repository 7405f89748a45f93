from __future__ import annotations

from hos_device_layer.database.airtable.base_schema import FieldSchema, TableSchema
from hos_device_layer.database.airtable.layout import NewField, NewTable, missing_parts
from hos_device_layer.database.airtable.matching import RememberedIds, find_tables

FLEETS = ['fleet-lab']
EMPTY = RememberedIds()


def table(name: str, *columns: str) -> TableSchema:
    fields = (FieldSchema(f'fld-{name}-{c}', c, 'singleLineText') for c in columns)
    return TableSchema(f'tbl-{name}', name, tuple(fields))


STREAMS = table('streams', 'stream', 'values', 'device_types', 'my notes')


def texts(*schema: TableSchema, remembered: RememberedIds = EMPTY) -> list[str]:
    return [str(problem) for problem in find_tables(schema, remembered).problems]


def test_tables_and_columns_are_found_by_name_and_others_ignored() -> None:
    found = find_tables(
        [STREAMS, table('Table 1', 'Name'), table('fleet-a', 'device_id')], RememberedIds()
    )
    assert [t.name for t in found.tables] == ['streams', 'fleet-a']
    assert list(found.tables[0].columns) == ['stream', 'values', 'device_types']


def test_a_renamed_column_is_still_read_and_reported() -> None:
    remembered = find_tables([STREAMS], RememberedIds()).ids
    renamed = TableSchema(
        STREAMS.id,
        'streams',
        tuple(
            FieldSchema(f.id, 'what it sends' if f.name == 'values' else f.name, f.type)
            for f in STREAMS.fields
        ),
    )
    found = find_tables([renamed], remembered)
    assert found.tables[0].columns['values'].name == 'what it sends'
    assert [str(p) for p in found.problems] == [
        "table 'streams', column 'values': was renamed to 'what it sends' and is still read; "
        'rename it back'
    ]
    assert find_tables([renamed], RememberedIds()).tables[0].columns.keys() == {
        'stream',
        'device_types',
    }
    assert found.ids == remembered, 'it is remembered as long as it is renamed'


def test_a_renamed_table_is_still_read_and_reported() -> None:
    remembered = find_tables([STREAMS], RememberedIds()).ids
    renamed = TableSchema(STREAMS.id, 'what devices send', STREAMS.fields)
    found = find_tables([renamed], remembered)
    assert [t.name for t in found.tables] == ['streams']
    assert "was renamed to 'what devices send'" in str(found.problems[0])


def test_a_missing_column_is_reported_if_it_is_needed() -> None:
    (text,) = texts(table('streams', 'stream', 'values'))
    assert text == "table 'streams', column 'device_types': is missing; add it with `hos db init`"


def test_both_names_of_the_serializers_are_known() -> None:
    columns = ('serializer', 'function_name')
    for names in (['serializers'], ['api_serializers'], ['serializers', 'api_serializers']):
        found = find_tables([table(name, *columns) for name in names], RememberedIds())
        assert [t.name for t in found.tables] == names
        assert found.problems == ()


def test_a_fleet_whose_name_no_file_can_have_is_reported() -> None:
    assert texts(table('fleet-a/b', 'device_id')) == [
        "table 'fleet-a/b': has a name that a file cannot have; rename the table"
    ]


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
