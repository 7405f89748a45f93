"""
Writes the reference of the specification from the declarations that the code reads it by.

    ./hos python -m hos_generator.specification_reference

writes docs/reference/specification.md, or the file that is given as the argument.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from hos_device_layer.core.spec.cells import MAX_SECONDS, MAX_TOPIC_NAME
from hos_device_layer.core.spec.field_types import Field, FieldType
from hos_device_layer.core.spec.schema import THIS_TABLE, Column, Kind, SpecTable
from hos_device_layer.core.spec.serializers import Serializer
from hos_device_layer.core.spec.spec_tables import FLEETS, SINGLE_TABLES

PAGE = Path(__file__).parents[1] / 'docs' / 'reference' / 'specification.md'

_INTRODUCTION = """\
# The device specification

<!-- Written by `./hos python -m hos_generator.specification_reference`; do not edit. -->

The specification says which types of devices there are, what they can do, and which devices a
fleet has. Its tables live in [Airtable](../airtable.md), in a folder of YAML files (the *local
copy*), or in both.

- Tables and columns that are not part of the specification are ignored, and so is the order of
  the columns.
- The first column of each table names its rows. Blank rows are ignored.
- In the local copy each table is a file, for example `apis.yaml`: a list of rows, each with
  `column: value` lines. A link is the name of a row; an empty cell has no line.
- The specification is checked as a whole. A row with a problem is rejected: using it is refused
  with the text of the problem. All other rows work.

## Tables
"""

_CELLS: dict[Kind, str] = {
    Kind.NAME: 'Text on one line, without control characters.',
    Kind.TOPIC_NAME: (
        f'Letters, digits and `_`, starting with a letter, at most {MAX_TOPIC_NAME} characters.'
    ),
    Kind.TEXT: 'Any text; spaces around it are dropped.',
    Kind.LONG_TEXT: 'Any text, also of several lines.',
    Kind.CHOICE: 'One of the choices, or any other text.',
    Kind.CHECKBOX: '`true` or `false`; empty means `false`.',
    Kind.INTEGER: 'A number without a fractional part.',
    Kind.SECONDS: f'A number above 0, at most {MAX_SECONDS:.0f}; it may have a fractional part.',
    Kind.FIELDS: 'A list; each item declares a [field](#fields).',
    Kind.LINK: 'The name of one row of the linked table.',
    Kind.LINKS: 'A list of names of rows of the linked table.',
    Kind.TEMPLATE: 'The template of a [serialized command](#serialized-commands).',
}

_LISTS = """\
A list is an array (in YAML) or one text with an item per line, or with commas between the items.
A comma inside `[…]` belongs to the unit.
"""

_FIELDS = """\
Arguments, results and values of streams are fields. Their names must differ within a list. Only
numbers take a range.
"""

_DECLARATIONS = (
    ('`name:type`', 'n:uint8', 'any value of the type'),
    ('`name:type low..high`', 'n:uint8 1..20', 'both ends are included'),
    ('`name:type low..`, `name:type ..high`', 'n:int32 0..', 'one end is open'),
    ('`name:type low..high [unit]`', 'x:float32 -60..60 [mm]', 'the unit is shown to people'),
)

_SERIALIZERS = """\
Devices whose type has `serialized_api` get each command as one line of text. In the template of a
function each `$` stands for an argument, in order, so there are as many `$` as arguments.
Everything else is sent as it is.

Integers are written in decimal, floats with the fewest digits that give the same value and never
with an exponent, bools as `1` and `0`, strings as they are. Neither the template nor an argument
may contain control characters or line breaks.
"""


def render() -> str:
    """Return the page."""
    sections = [
        _INTRODUCTION,
        *(_table_section(table) for table in (*SINGLE_TABLES, FLEETS)),
        '## Cells\n',
        _markdown_table(('kind', 'a cell holds'), ((kind.label, _CELLS[kind]) for kind in Kind)),
        _LISTS,
        '## Fields\n',
        _FIELDS,
        _markdown_table(
            ('declaration', 'example', 'meaning'), map(_declaration_row, _DECLARATIONS)
        ),
        '## Types\n',
        _markdown_table(('type', 'values', 'written as'), map(_type_row, FieldType)),
        '## Serialized commands\n',
        _SERIALIZERS,
        _example_section(),
    ]
    return '\n'.join(sections)


def _table_section(table: SpecTable[Any]) -> str:
    also = ''.join(f' (or `{name}`)' for name in table.other_names)
    several = ' Any number of such tables; the fleet `lab` has the table `fleet-lab`.'
    text = f'{table.help}{several if table is FLEETS else ""}'
    columns = _markdown_table(
        ('column', 'kind', 'required', 'meaning'),
        ((f'`{c.name}`', _kind_text(c), _required(c), _meaning(c)) for c in table.columns),
    )
    return f'### `{table.name}`{also}\n\n{text}\n\n{columns}'


def _kind_text(column: Column) -> str:
    limits = []
    if column.links_to:
        target = 'this table' if column.links_to == THIS_TABLE else f'`{column.links_to}`'
        limits.append(f'to {target}')
    if column.range_text:
        limits.append(column.range_text)
    if column.max_items is not None:
        limits.append(f'at most {column.max_items}')
    if column.unique:
        limits.append('unique')
    return ', '.join([column.kind.label, *limits])


def _required(column: Column) -> str:
    if column.required:
        return 'yes'
    return 'no; the column may be absent' if column.optional else 'no'


def _meaning(column: Column) -> str:
    choices = f' Choices: {", ".join(column.choices)}.' if column.choices else ''
    return column.describe() + choices


def _declaration_row(declaration: tuple[str, str, str]) -> tuple[str, str, str]:
    syntax, example, meaning = declaration
    return (syntax, f'`{Field.from_text(example).to_text()}`', meaning)


def _type_row(field_type: FieldType) -> tuple[str, str, str]:
    if field_type is FieldType.BOOL:
        return ('`bool`', 'true, false', '`1` or `0`; `true` and `false` are read too')
    if field_type.bounds is None:
        return (f'`{field_type.value}`', 'any Unicode text', 'the text itself')
    low, high = field_type.bounds
    if field_type.is_float:
        return (
            f'`{field_type.value}`',
            f'±{high:.8g}; no NaN, no infinity',
            'digits, no exponent',
        )
    return (f'`{field_type.value}`', f'{low}..{high}', 'decimal digits')


def _example_section() -> str:
    template, arguments = 'A$B$C$', ('1', '2.5', '-3')
    command = Serializer(template).serialize(arguments)
    given = ', '.join(arguments)
    return f'Example: `{template}` with the arguments {given} is sent as `{command}`.\n'


def _markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ['---'] * len(head), *rows]
    return ''.join(f'| {" | ".join(_escaped(line))} |\n' for line in lines)


def _escaped(cells: Iterable[str]) -> Iterator[str]:
    return (cell.replace('|', '\\|') for cell in cells)


def main(arguments: Sequence[str]) -> int:
    """Write the page to the file in the arguments, else to its place in the documentation."""
    path = Path(arguments[0]) if arguments else PAGE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(), encoding='utf-8')
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
