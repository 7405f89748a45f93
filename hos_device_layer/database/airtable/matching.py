"""Which tables and columns of a base are those of the specification."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence

import msgspec

from ...core.spec import tables as t
from ...core.spec.tables import Problem
from ..local_copy import COLUMNS, FLEET_COLUMNS, is_file_name
from .base_schema import FieldSchema, TableSchema

# Filled in by `hos db check --write-back`.
PROBLEMS_COLUMN = 'problems'

# Columns that a base may lack without anybody missing something.
_OPTIONAL = frozenset(
    {
        'description',
        'ros_target',
        'timeout_s',
        'max_in_flight',
        'communication_target',
        'serial_info',
        'baud_rate',
        'child_device',
        PROBLEMS_COLUMN,
    }
)


class Memory(msgspec.Struct, frozen=True):
    """The ids of tables and columns as they were found last: ids stay when names change."""

    tables: Mapping[str, str] = {}
    columns: Mapping[str, Mapping[str, str]] = {}


class FoundTable(msgspec.Struct, frozen=True):
    """A table of the specification in the base, and those of its columns that exist."""

    name: str
    schema: TableSchema
    columns: Mapping[str, FieldSchema]


class Found(msgspec.Struct, frozen=True):
    """What was found, what is wrong with it, and the memory for the next time."""

    tables: tuple[FoundTable, ...]
    problems: tuple[Problem, ...]

    @property
    def memory(self) -> Memory:
        return Memory(
            {table.name: table.schema.id for table in self.tables},
            {
                table.name: {column: field.id for column, field in table.columns.items()}
                for table in self.tables
            },
        )


def serializers_table(found: Container[str]) -> str:
    """Return which of its two names the table of serializers has, or is to have."""
    has_other_name = t.API_SERIALIZERS in found and t.SERIALIZERS not in found
    return t.API_SERIALIZERS if has_other_name else t.SERIALIZERS


def spec_columns(table: str) -> tuple[str, ...]:
    """Return the columns of a table of the specification."""
    return COLUMNS.get(table, FLEET_COLUMNS)


def columns_of(table: str) -> tuple[str, ...]:
    """Return the columns that a table in Airtable may have."""
    return (*spec_columns(table), PROBLEMS_COLUMN)


def find_tables(schema: Sequence[TableSchema], memory: Memory) -> Found:
    """
    Find tables and columns by name, or by their remembered ids where a name is gone.

    What is missing or was renamed is reported; what no table of the specification is, is ignored.
    """
    problems: list[Problem] = []
    chosen: dict[str, TableSchema] = {}
    for name in t.NAME_COLUMNS:
        table = _find_table(name, schema, memory, problems)
        if table is not None:
            chosen[name] = table
    for table in sorted(schema, key=lambda table: table.name):
        if not table.name.startswith(t.FLEET_PREFIX):
            continue
        if is_file_name(table.name):
            chosen[table.name] = table
        else:
            problems.append(Problem(table.name, '', '', 'has a name that no file can have'))
    found = tuple(
        FoundTable(name, table, _find_columns(name, table, memory, problems))
        for name, table in chosen.items()
    )
    return Found(found, tuple(problems))


def _find_table(
    name: str, schema: Iterable[TableSchema], memory: Memory, problems: list[Problem]
) -> TableSchema | None:
    by_name = {table.name: table for table in schema}
    if name in by_name:
        return by_name[name]
    for table in schema:
        if table.id == memory.tables.get(name) and table.name not in t.NAME_COLUMNS:
            text = f'is called {table.name!r} now; it is read all the same, rename it back'
            problems.append(Problem(name, '', '', text))
            return table
    return None


def _find_columns(
    name: str, table: TableSchema, memory: Memory, problems: list[Problem]
) -> dict[str, FieldSchema]:
    by_name = {field.name.strip(): field for field in table.fields}
    by_id = {field.id: field for field in table.fields}
    wanted = columns_of(name)
    found = {}
    for column in wanted:
        remembered = by_id.get(memory.columns.get(name, {}).get(column, ''))
        if column in by_name:
            found[column] = by_name[column]
        elif remembered is not None and remembered.name not in wanted:
            found[column] = remembered
            text = f'is called {remembered.name!r} now; it is read all the same, rename it back'
            problems.append(Problem(name, '', column, text))
        elif column not in _OPTIONAL:
            problems.append(Problem(name, '', column, 'is missing; `hos db init` adds it'))
    return found
