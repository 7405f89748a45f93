from __future__ import annotations

from hos_device_layer.database.airtable.base_schema import FieldSchema, TableSchema
from hos_device_layer.database.airtable.matching import RememberedIds, find_tables
from hos_device_layer.source_tree import HOS

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
    assert text == (
        f"table 'streams', column 'device_types': is missing; add it with `{HOS} db init`"
    )


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
