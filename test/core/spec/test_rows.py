from typing import Annotated

import msgspec

from hos_device_layer.core.spec.rows import check_unique, read_rows, valid_records
from hos_device_layer.core.spec.schema import Column, Kind, declare_table
from hos_device_layer.core.spec.tables import Problem


class Tool(msgspec.Struct, frozen=True):
    name: Annotated[str, Column('tool', Kind.NAME, 'Its name.', required=True, unique=True)]
    shelf: str
    fits: Annotated[tuple, Column('fits', Kind.FIELDS, 'What it takes.')] = ()


TOOLS = declare_table('tools', Tool, 'What there is.')


def read(*rows):
    return read_rows(TOOLS, 'tools', rows, shelf='top')


def test_rows_become_records_with_what_no_column_holds():
    (row,) = read({'tool': ' saw ', 'fits': [], 'unknown': 5})
    assert row.record == Tool('saw', 'top')
    assert (row.table, row.label, row.problems, row.is_valid) == ('tools', 'saw', [], True)


def test_blank_rows_are_ignored_and_counted():
    rows = read({}, {'tool': ' ', 'fits': [], 'unknown': None}, {'tool': '', 'unknown': 1})
    assert [row.label for row in rows] == ['#3']


def test_every_problem_of_a_cell_is_reported_and_it_reads_as_empty():
    (row,) = read({'tool': 'saw', 'fits': ['x', 'y:nothing', 'z:bool']})
    assert row.record == Tool('saw', 'top')
    assert [problem.column for problem in row.problems] == ['fits', 'fits']
    assert row.has_problem('fits')
    assert not row.has_problem('tool')
    assert row.problem_text == f'{row.problems[0]}; {row.problems[1]}'


def test_a_problem_can_be_added():
    (row,) = read({'tool': 'saw'})
    row.report('fits', 'is odd')
    assert row.problems == [Problem('tools', 'saw', 'fits', 'is odd')]
    assert not row.is_valid


def test_cells_of_a_unique_column_must_differ():
    rows = read(
        {'tool': 'saw'}, {'tool': 'axe'}, {'tool': ' saw'}, {'fits': 'x:bool'}, {'fits': 'x'}
    )
    check_unique(TOOLS, rows)
    text = "'saw' appears 2 times; must be unique"
    assert [p.text for row in rows[:3] for p in row.problems] == [text, text]
    assert all(not p.text.startswith("''") for row in rows[3:] for p in row.problems)
    assert valid_records(rows) == {'axe': Tool('axe', 'top')}
