import pytest

from hos_device_layer.core.spec.spec_tables import (
    FLEETS,
    SINGLE_TABLE_NAMES,
    SINGLE_TABLES,
    table_of,
)
from hos_device_layer.core.spec.tables import fleet_table


@pytest.mark.parametrize(
    ('table', 'name_column'),
    [
        ('devices', 'device_type'),
        ('apis', 'function_name'),
        ('serializers', 'serializer'),
        ('api_serializers', 'serializer'),
        ('streams', 'stream'),
        (fleet_table('demo'), 'device_id'),
    ],
)
def test_each_table_has_a_column_that_names_its_rows(table, name_column):
    assert table_of(table).name_column.name == name_column


def test_every_name_of_a_table_leads_to_it():
    assert [table.name for table in SINGLE_TABLES] == ['devices', 'apis', 'serializers', 'streams']
    assert set(SINGLE_TABLE_NAMES) == {name for table in SINGLE_TABLES for name in table.names}
    assert table_of('fleet-demo') is FLEETS


def test_a_table_refers_to_tables_before_it():
    known = set()
    for table in SINGLE_TABLES:
        assert {column.target(table.name) for column in table.columns if column.links_to} <= known
        known.add(table.name)
