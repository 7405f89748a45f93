from __future__ import annotations

import pytest

from hos_device_layer.core.spec.spec_tables import table_of
from hos_device_layer.database.airtable.base_schema import BaseRecord, FieldSchema, TableSchema
from hos_device_layer.database.airtable.matching import MatchedTable
from hos_device_layer.database.airtable.rows import plain_cell, rows_of_tables

DEVICES = MatchedTable(
    'devices',
    TableSchema('tblD', 'devices', ()),
    {'device_type': FieldSchema('fldType', 'device_type', 'singleLineText')},
)
APIS = MatchedTable(
    'apis',
    TableSchema('tblA', 'apis', ()),
    {
        'function_name': FieldSchema('fldName', 'function_name', 'singleLineText'),
        'device_types': FieldSchema(
            'fldTypes', 'device_types', 'multipleRecordLinks', {'linkedTableId': 'tblD'}
        ),
    },
)
TYPES = [
    BaseRecord('rec1', {'fldType': 'Pump'}),
    BaseRecord('rec2', {}),
    BaseRecord('rec3', {'fldType': ' A '}),
]


def types_of_one_function(cell: object) -> object:
    apis = [BaseRecord('rec9', {'fldName': 'go', 'fldTypes': cell, 'fldOther': 1})]
    rows = rows_of_tables((DEVICES, APIS), {'devices': TYPES, 'apis': apis})
    (row,) = rows['apis']
    assert row['function_name'] == 'go'
    assert set(row) == {'function_name', 'device_types'}
    return row['device_types']


@pytest.mark.parametrize(
    ('cell', 'names'),
    [
        (['rec1'], ['Pump']),
        (['rec3', 'rec1'], ['A', 'Pump']),
        (['rec1', 'recGone'], ['Pump', 'recGone']),
        (['rec2'], ['rec2']),  # a row without a name
        ('Pump, Valve\nShaker', ['Pump', 'Valve', 'Shaker']),  # a column of text
        ([{'id': 'rec1'}], [{'id': 'rec1'}]),  # nothing that Airtable sends
    ],
)
def test_links_become_names(cell: object, names: object) -> None:
    assert types_of_one_function(cell) == names


@pytest.mark.parametrize(
    ('table', 'column', 'cell', 'plain'),
    [
        ('apis', 'arguments', 'x:bool\ny:bool', ['x:bool', 'y:bool']),
        ('apis', 'arguments', ['x:bool'], ['x:bool']),
        ('apis', 'arguments', 'x:bool\n', ['x:bool']),  # rich text ends with a line end
        ('fleet-a', 'device_type', ['Pump'], 'Pump'),
        ('fleet-a', 'device_type', ['Pump', 'Valve'], ['Pump', 'Valve']),
        ('fleet-a', 'child_device', ['W1, W2'], ['W1, W2']),  # one device, whose id has a comma
        ('devices', 'device_type', 'Pump, small', 'Pump, small'),  # a name, not a link
        ('fleet-a', 'device_uid', 17.0, 17),
        ('apis', 'timeout_s', 1.5, 1.5),
        ('devices', 'serialized_api', True, True),
        ('devices', 'description', ' text\n', 'text'),
        (
            'devices',
            'description',
            {'state': 'generated', 'value': 'by AI', 'isStale': False},
            'by AI',
        ),
        ('devices', 'description', ['looked up'], 'looked up'),
        ('devices', 'description', {'error': '#ERROR!'}, {'error': '#ERROR!'}),
    ],
)
def test_equal_cells_have_one_form(table: str, column: str, cell: object, plain: object) -> None:
    (declared,) = (c for c in table_of(table).columns if c.name == column)
    assert plain_cell(declared, cell) == plain
    assert plain_cell(declared, plain) == plain
