import pytest
from hypothesis import given
from hypothesis import strategies as st

from hos_device_layer.core.errors import SpecError
from hos_device_layer.core.spec.field_types import Field, FieldType
from hos_device_layer.core.spec.tables import (
    Problem,
    RowReader,
    as_list,
    fleet_table,
    is_empty,
    name_column,
    row_label,
)


def reader(**cells):
    return RowReader('apis', {'function_name': 'move', **cells}, position=3)


def texts(row):
    return [problem.text for problem in row.problems]


@pytest.mark.parametrize(
    ('table', 'column'),
    [
        ('devices', 'device_type'),
        ('apis', 'function_name'),
        ('serializers', 'serializer'),
        ('api_serializers', 'serializer'),
        ('streams', 'stream'),
        (fleet_table('demo'), 'device_id'),
    ],
)
def test_each_table_has_a_column_that_names_its_rows(table, column):
    assert name_column(table) == column
    assert row_label(table, {column: ' it '}, 3) == 'it'


@pytest.mark.parametrize('name', [None, '', '  ', '\n', [], False])
def test_a_row_without_a_name_is_found_by_its_position(name):
    assert row_label('devices', {'device_type': name}, 3) == '#3'
    assert row_label('devices', {}, 3) == '#3'


def test_the_label_of_a_name_that_is_no_text_is_short():
    assert row_label('devices', {'device_type': 4001}, 1) == '4001'
    assert len(row_label('devices', {'device_type': [['x' * 500] * 9] * 9}, 1)) < 130
    assert row_label('devices', {'device_type': 16**5000}, 1) == 'a very long int'


def test_a_problem_says_where_it_is():
    assert str(Problem('apis', 'move', 'arguments', 'is odd')) == (
        "table 'apis', row 'move', column 'arguments': is odd"
    )
    assert str(Problem('apis', '', '', 'is missing')) == "table 'apis': is missing"


def test_empty_cells():
    assert all(map(is_empty, (None, '', ' \t\n', [], (), False)))
    assert not any(map(is_empty, (0, 0.0, 'x', [''], True, {})))


def test_text_cells():
    row = reader(description=' a\nb ', role=5, odd=1.5, date=True)
    assert row.text('description') == 'a\nb'
    assert row.text('role') == '5'
    assert row.text('absent') == ''
    assert not row.problems
    assert row.text('odd') == ''
    assert row.text('date') == ''
    assert texts(row) == [
        '1.5 is no text; put it in quotes',
        'True is no text; put it in quotes',
    ]


def test_a_required_text_has_one_problem_at_most():
    row = reader(odd=1.5)
    assert row.text('odd', required=True) == ''
    assert row.text('absent', required=True) == ''
    assert [(p.column, p.text) for p in row.problems] == [
        ('odd', '1.5 is no text; put it in quotes'),
        ('absent', 'is empty'),
    ]


def test_a_name_is_required_and_printable():
    row = reader(bell='a\x07b')
    assert row.name('function_name') == 'move'
    row.name('bell')
    row.name('absent')
    assert [(p.table, p.row, p.column, p.text) for p in row.problems] == [
        ('apis', 'move', 'bell', r"'a\x07b' holds a control character or line end"),
        ('apis', 'move', 'absent', 'is empty'),
    ]
    assert row.has_problem('bell')
    assert not row.has_problem('function_name')


def test_checkboxes():
    row = reader(on=True, off=False, blank='', odd='yes')
    assert [row.flag(c) for c in ('on', 'off', 'blank', 'absent', 'odd')] == [
        *(True, False, False, False, False)
    ]
    assert texts(row) == ["'yes' is neither true nor false"]


@pytest.mark.parametrize('cell', [7, 7.0, '7', ' 7 ', '7.0'])
def test_whole_numbers(cell):
    row = reader(cell=cell)
    assert row.integer('cell', 1, 7) == 7
    assert type(row.integer('cell', 1, 7)) is int
    assert not row.problems


@pytest.mark.parametrize('cell', [0, 8, -1, 1.5, pytest.param(16**5000, id='huge'), '8', 1e300])
def test_numbers_out_of_range(cell):
    row = reader(cell=cell)
    assert row.integer('cell', 1, 7) is None
    assert len(row.problems) == 1
    assert row.problems[0].column == 'cell'


@pytest.mark.parametrize(
    'cell',
    ['abc', '1Y9', 'nan', float('nan'), 'inf', float('inf'), '1_0', True, [1], {}, '٣', '0x1'],
)
def test_no_numbers(cell):
    row = reader(cell=cell)
    assert row.integer('cell', 0, 100) is None
    assert row.seconds('cell') is None
    assert len(row.problems) == 2


def test_seconds():
    row = reader(half=0.5, text='30', zero=0, negative=-1, long=1e10)
    assert row.seconds('half') == 0.5
    assert row.seconds('text') == 30
    assert row.seconds('absent') is None
    assert not row.problems
    for column in ('zero', 'negative', 'long'):
        assert row.seconds(column) is None
    assert len(row.problems) == 3


@pytest.mark.parametrize(
    ('cell', 'items'),
    [
        (['a', ' b '], ('a', 'b')),
        (('a', 'b'), ('a', 'b')),
        (['a', '', ' '], ('a',)),
        ([4001, 'b'], ('4001', 'b')),
        (4001, ('4001',)),
        (['a, b'], ('a, b',)),
        ('a', ('a',)),
        ('a, b,', ('a', 'b')),
        ('a\nb\r\n\nc', ('a', 'b', 'c')),
        (' a ,\n b ', ('a', 'b')),
        (
            'x:string [dd, mm], y:uint8 [mm]\nz:uint8',
            ('x:string [dd, mm]', 'y:uint8 [mm]', 'z:uint8'),
        ),
        ('x:uint8 [mm\ny:uint8, z:uint8', ('x:uint8 [mm', 'y:uint8', 'z:uint8')),
        ('x:uint8 mm], y:uint8', ('x:uint8 mm]', 'y:uint8')),
    ],
)
def test_list_cells(cell, items):
    assert as_list(cell) == items


@pytest.mark.parametrize('cell', [1.5, True, {'x': 'float32'}, [{'x': 'float32'}], [None], b'x'])
def test_no_list_cells(cell):
    with pytest.raises(SpecError, match='is no text; put it in quotes'):
        as_list(cell)


@given(st.lists(st.text(st.characters(exclude_categories=['C', 'Z'], exclude_characters=',[]'))))
def test_an_array_and_a_text_say_the_same(items):
    kept = tuple(item for item in items if item)
    assert as_list(items) == kept
    assert as_list(', '.join(items)) == kept
    assert as_list('\r\n'.join(items)) == kept


def test_a_link_leads_to_exactly_one_row():
    row = reader(one=['a'], text='a', number=4001, two=['a', 'b'], none=[], odd=1.5)
    assert [row.link(column) for column in ('one', 'text', 'number')] == ['a', 'a', '4001']
    assert not row.problems
    row.link('two')
    assert row.link('none') == ''
    assert row.link('odd') == ''
    assert texts(row) == [
        'must link to exactly one row',
        'is empty',
        '1.5 is no text; put it in quotes',
    ]


def test_field_lists():
    row = reader(good='x:uint8, y:bool', bad=['x:uint8', 'y', 'x:int8', 'z:nothing'])
    assert row.fields('good') == (Field('x', FieldType.UINT8), Field('y', FieldType.BOOL))
    assert row.fields('absent') == ()
    assert not row.problems
    row.fields('bad')
    assert [problem.column for problem in row.problems] == ['bad'] * 3
    assert [text.split(';')[0] for text in texts(row)] == [
        "'y' is no field",
        "'z' has the unknown type 'nothing'",
        "'x' stands there 2 times",
    ]
