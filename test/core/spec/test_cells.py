import pytest
from hypothesis import given
from hypothesis import strategies as st

from hos_device_layer.core.errors import SpecError
from hos_device_layer.core.spec import cells
from hos_device_layer.core.spec.field_types import Field, FieldType
from hos_device_layer.core.spec.serializers import Serializer


def problems(read, cell):
    with pytest.raises(SpecError) as caught:
        read(cell)
    return list(caught.value.problems)


def test_empty_cells():
    assert all(map(cells.is_empty, (None, '', ' \t\n', [], (), False)))
    assert not any(map(cells.is_empty, (0, 0.0, 'x', [''], True, {})))


def test_text_cells():
    assert cells.as_text(' a\nb ') == 'a\nb'
    assert cells.as_text(5) == '5'
    assert problems(cells.as_text, 1.5) == ['expected text, got 1.5; put it in quotes']
    assert problems(cells.as_text, True) == ['expected text, got True; put it in quotes']


def test_a_name_is_printable():
    assert cells.as_name(' move ') == 'move'
    assert problems(cells.as_name, 'a\x07b') == [
        r"'a\x07b' contains a control character or line break; remove it"
    ]


@pytest.mark.parametrize('name', ['x', 'Arm_2', 'x' * 100])
def test_topic_names(name):
    assert cells.as_topic_name(f' {name} ') == name


@pytest.mark.parametrize('name', ['arm position', '2d', '_x', 'größe', 'x' * 101])
def test_no_topic_names(name):
    (text,) = problems(cells.as_topic_name, name)
    assert text.startswith(
        'expected letters, digits and _, starting with a letter, at most 100 characters; got '
    )


def test_checkboxes():
    assert cells.as_flag(True) is True
    assert cells.as_flag(False) is False
    assert problems(cells.as_flag, 'yes') == ["expected true or false, got 'yes'"]


@pytest.mark.parametrize('cell', [7, 7.0, '7', ' 7 ', '7.0'])
def test_integers(cell):
    assert cells.as_integer(cell) == 7
    assert type(cells.as_integer(cell)) is int


def test_a_fraction_is_no_integer():
    assert problems(cells.as_integer, 1.5) == ['expected an integer, got 1.5']


@pytest.mark.parametrize(
    'cell',
    [
        *('abc', '1Y9', 'nan', float('nan'), 'inf', float('inf'), '1_0', True, [1], {}, '٣'),
        *('0x1', pytest.param(16**5000, id='huge')),
    ],
)
def test_no_numbers(cell):
    for read in (cells.as_integer, cells.as_seconds):
        (text,) = problems(read, cell)
        assert text.startswith('expected a number, got ')
        assert len(text) < 200


def test_seconds():
    assert cells.as_seconds(0.5) == 0.5
    assert cells.as_seconds('30') == 30
    for cell in (0, -1, 1e10):
        assert problems(cells.as_seconds, cell) == [
            f'expected a number of seconds above 0, at most 1000000000; got {cell}'
        ]


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
    assert cells.as_list(cell) == items


@pytest.mark.parametrize('cell', [1.5, True, {'x': 'float32'}, [{'x': 'float32'}], [None], b'x'])
def test_no_list_cells(cell):
    with pytest.raises(SpecError, match=r'expected text, got .*; put it in quotes'):
        cells.as_list(cell)


@given(st.lists(st.text(st.characters(exclude_categories=['C', 'Z'], exclude_characters=',[]'))))
def test_an_array_and_a_text_say_the_same(items):
    kept = tuple(item for item in items if item)
    assert cells.as_list(items) == kept
    assert cells.as_list(', '.join(items)) == kept
    assert cells.as_list('\r\n'.join(items)) == kept


def test_a_link_names_one_row():
    assert [cells.as_link(cell) for cell in (['a'], 'a', 4001, [' '])] == ['a', 'a', '4001', '']
    assert problems(cells.as_link, ['a', 'b']) == [
        'expected a link to one row, got 2 links; remove the others'
    ]


def test_field_lists():
    assert cells.as_fields('x:uint8, y:bool') == (
        Field('x', FieldType.UINT8),
        Field('y', FieldType.BOOL),
    )
    texts = problems(cells.as_fields, ['x:uint8', 'y', 'x:int8', 'z:nothing'])
    assert len(texts) == 3
    assert "'y'" in texts[0]
    assert "'nothing'" in texts[1]
    assert texts[2] == "'x' appears 2 times; field names must be unique"


def test_templates():
    assert cells.as_template(' A$ ') == Serializer('A$')
    with pytest.raises(SpecError, match='control character'):
        cells.as_template('A\nB')
