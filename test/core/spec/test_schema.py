from typing import Annotated, get_type_hints

import msgspec
import pytest

from hos_device_layer.core.errors import SpecError
from hos_device_layer.core.spec.field_types import Field
from hos_device_layer.core.spec.schema import THIS_TABLE, Column, Kind, declare_table
from hos_device_layer.core.spec.serializers import Serializer
from hos_device_layer.core.spec.spec_tables import FLEETS, SINGLE_TABLES


class Tool(msgspec.Struct, frozen=True):
    name: Annotated[str, Column('tool', Kind.NAME, 'Its name.', required=True)]
    weight: Annotated[int | None, Column('weight', Kind.INTEGER, 'In grams.', low=1, high=7)] = (
        None
    )
    owner: str = 'nobody'  # of no column
    parts: Annotated[
        tuple[str, ...], Column('part', Kind.LINKS, 'Parts.', links_to=THIS_TABLE)
    ] = ()
    note: Annotated[str, Column('note', Kind.TEXT, 'For people.', after_name=True)] = ''


TOOLS = declare_table('tools', Tool, 'What there is.', key='weight', other_names=('gear',))


def column(kind, **rules):
    return Column('x', kind, 'A column.', **rules)


def problem(of, cell):
    with pytest.raises(SpecError) as caught:
        of.read(cell)
    return str(caught.value)


def test_a_table_has_the_annotated_columns_in_the_order_of_the_local_copy():
    assert [c.name for c in TOOLS.columns] == ['tool', 'note', 'weight', 'part']
    assert TOOLS.attributes == ('name', 'note', 'weight', 'parts')
    assert TOOLS.name_column.name == 'tool'
    assert TOOLS.key.name == 'weight'
    assert TOOLS.names == ('tools', 'gear')
    assert TOOLS.columns[3].target('tools') == 'tools'


def test_a_row_is_found_by_its_name_or_its_position():
    assert TOOLS.row_label({'tool': ' saw '}, 3) == 'saw'
    for name in (None, '', '  ', '\n', [], False):
        assert TOOLS.row_label({'tool': name}, 3) == '#3'
    assert TOOLS.row_label({}, 3) == '#3'


def test_the_label_of_a_name_that_is_no_text_is_short():
    assert TOOLS.row_label({'tool': 4001}, 1) == '4001'
    assert len(TOOLS.row_label({'tool': [['x' * 500] * 9] * 9}, 1)) < 130
    assert TOOLS.row_label({'tool': 16**5000}, 1) == 'a very long int'


def test_the_cells_of_a_record_as_text():
    assert TOOLS.cell_texts(Tool('saw', 3, parts=('blade', 'grip'), note='sharp')) == {
        'tool': 'saw',
        'note': 'sharp',
        'part': 'blade, grip',
    }


@pytest.mark.parametrize(
    ('kind', 'cell', 'text'),
    [
        (Kind.NAME, 'a', 'a'),
        (Kind.TOPIC_NAME, 'a', 'a'),
        (Kind.TEXT, ' a ', 'a'),
        (Kind.LONG_TEXT, 'a\nb', 'a\nb'),
        (Kind.CHOICE, 'Another', 'Another'),
        (Kind.CHECKBOX, True, 'yes'),
        (Kind.INTEGER, '7', '7'),
        (Kind.SECONDS, 2, '2.0'),
        (Kind.FIELDS, ['a:bool', 'b:int8'], 'a:bool, b:int8'),
        (Kind.LINK, ['a'], 'a'),
        (Kind.LINKS, 'a, b', 'a, b'),
        (Kind.TEMPLATE, 'A$', 'A$'),
    ],
)
def test_a_cell_is_read_and_shown_by_its_kind(kind, cell, text):
    assert kind.to_text(column(kind).read(cell)) == text


@pytest.mark.parametrize('kind', Kind)
def test_an_empty_cell_of_every_kind_is_read_and_shown(kind):
    assert column(kind).read(None) == kind.empty
    assert kind.to_text(kind.empty) == ''
    assert problem(column(kind, required=True, links_to='apis'), None).startswith('is empty; ')


def test_an_empty_cell_says_what_to_enter():
    assert problem(column(Kind.FIELDS, required=True), ' , ') == 'is empty; enter a value'
    assert problem(column(Kind.LINKS, required=True, links_to='apis'), [' ']) == (
        "is empty; link it to a row of the table 'apis'"
    )


@pytest.mark.parametrize('cell', [0, 8, -1, '8', 1e300])
def test_a_number_out_of_range(cell):
    assert column(Kind.INTEGER, low=1, high=7).read(7) == 7
    assert problem(column(Kind.INTEGER, low=1, high=7), cell) == f'expected 1..7, got {cell!r}'


def test_a_range_may_be_open():
    assert problem(column(Kind.INTEGER, low=1), 0) == 'expected 1.., got 0'
    assert problem(column(Kind.INTEGER, high=7), 8) == 'expected ..7, got 8'
    assert column(Kind.INTEGER).range_text == ''


def test_a_list_with_too_many_items():
    two = column(Kind.FIELDS, max_items=2)
    assert len(two.read('a:bool, b:bool')) == 2
    assert problem(two, 'a:bool, b:bool, c:bool') == 'expected at most 2 items, got 3'


def test_the_description_says_what_an_empty_cell_means():
    assert column(Kind.TEXT).describe() == 'A column.'
    assert column(Kind.TEXT, when_empty='9600').describe() == 'A column. Empty: 9600.'


VALUE_TYPES = {
    Kind.NAME: str,
    Kind.TOPIC_NAME: str,
    Kind.TEXT: str,
    Kind.LONG_TEXT: str,
    Kind.CHOICE: str,
    Kind.CHECKBOX: bool,
    Kind.INTEGER: int | None,
    Kind.SECONDS: float | None,
    Kind.FIELDS: tuple[Field, ...],
    Kind.LINK: str,
    Kind.LINKS: tuple[str, ...],
    Kind.TEMPLATE: Serializer | None,
}


@pytest.mark.parametrize('table', [*SINGLE_TABLES, FLEETS], ids=lambda table: table.name)
def test_declared_columns_hold_what_their_attributes_say(table):
    hints = get_type_hints(table.record)
    single = {single.name for single in SINGLE_TABLES}
    for declared, attribute in zip(table.columns, table.attributes):
        assert hints[attribute] == VALUE_TYPES[declared.kind], declared
        assert declared.help
        assert declared.kind.is_link is bool(declared.links_to)
        assert declared.links_to in single | {'', THIS_TABLE}
        assert bool(declared.choices) is (declared.kind is Kind.CHOICE)
    names = [declared.name for declared in table.columns]
    assert len(set(names)) == len(names)
