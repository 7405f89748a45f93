from __future__ import annotations

import pytest

from hos_device_layer.database.airtable.base_schema import BaseRecord, FieldSchema, TableSchema
from hos_device_layer.database.airtable.matching import FoundTable
from hos_device_layer.database.airtable.rows import plain_cell, rows_of_tables

DEVICES = FoundTable(
    'devices',
    TableSchema('tblD', 'devices', ()),
    {'device_type': FieldSchema('fldType', 'device_type', 'singleLineText')},
)
APIS = FoundTable(
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
    ('column', 'cell', 'plain'),
    [
        ('arguments', 'x:bool\ny:bool', ['x:bool', 'y:bool']),
        ('arguments', ['x:bool'], ['x:bool']),
        ('arguments', 'x:bool\n', ['x:bool']),  # rich text ends with a line end
        ('device_type', ['Pump'], 'Pump'),
        ('device_type', ['Pump', 'Valve'], ['Pump', 'Valve']),
        ('child_device', ['W1, W2'], ['W1, W2']),  # one device, whose id has a comma
        ('device_uid', 17.0, 17),
        ('timeout_s', 1.5, 1.5),
        ('serialized_api', True, True),
        ('description', ' text\n', 'text'),
        ('description', {'state': 'generated', 'value': 'by AI', 'isStale': False}, 'by AI'),
        ('description', ['looked up'], 'looked up'),
        ('description', {'error': '#ERROR!'}, {'error': '#ERROR!'}),
    ],
)
def test_equal_cells_have_one_form(column: str, cell: object, plain: object) -> None:
    assert plain_cell(column, cell) == plain
    assert plain_cell(column, plain) == plain
