"""Which tables and columns of a base are those of the specification."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence

import msgspec

from ...core.spec import tables as t
from ...core.spec.schema import Column, Kind
from ...core.spec.spec_tables import SERIALIZERS, SINGLE_TABLE_NAMES, table_of
from ...core.spec.tables import Problem
from ..local_copy import is_file_name
from .base_schema import FieldSchema, TableSchema

# Every table in Airtable may have it; it is no part of the specification.
PROBLEMS = Column(
    'problems', Kind.LONG_TEXT, 'Filled in by `hos db check --write-back`.', optional=True
)


MatchedColumns = Sequence[tuple[Column, FieldSchema]]


class Memory(msgspec.Struct, frozen=True):
    """The ids of tables and columns as they were found last: ids stay when names change."""

    tables: Mapping[str, str] = {}
    columns: Mapping[str, Mapping[str, str]] = {}


class FoundTable(msgspec.Struct, frozen=True):
    """A table of the specification in the base, and those of its columns that exist."""

    name: str
    schema: TableSchema
    columns: Mapping[str, FieldSchema]

    @property
    def matched(self) -> MatchedColumns:
        """The columns of the specification that exist, each with its field in the base."""
        return [(c, self.columns[c.name]) for c in columns_of(self.name) if c.name in self.columns]


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
    """Return which of its names the table of serializers has, or is to have."""
    return next((name for name in SERIALIZERS.names if name in found), SERIALIZERS.name)


def columns_of(table: str) -> tuple[Column, ...]:
    """Return the columns that a table in Airtable may have."""
    return (*table_of(table).columns, PROBLEMS)


def find_tables(schema: Sequence[TableSchema], memory: Memory) -> Found:
    """
    Find tables and columns by name, or by their remembered ids where a name is gone.

    What is missing or was renamed is reported; what no table of the specification is, is ignored.
    """
    problems: list[Problem] = []
    chosen: dict[str, TableSchema] = {}
    for name in SINGLE_TABLE_NAMES:
        table = _find_table(name, schema, memory, problems)
        if table is not None:
            chosen[name] = table
    for table in sorted(schema, key=lambda table: table.name):
        if not t.is_fleet_table(table.name):
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
        if table.id == memory.tables.get(name) and table.name not in SINGLE_TABLE_NAMES:
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
    names = {column.name for column in wanted}
    found = {}
    for column in wanted:
        remembered = by_id.get(memory.columns.get(name, {}).get(column.name, ''))
        if column.name in by_name:
            found[column.name] = by_name[column.name]
        elif remembered is not None and remembered.name not in names:
            found[column.name] = remembered
            text = f'is called {remembered.name!r} now; it is read all the same, rename it back'
            problems.append(Problem(name, '', column.name, text))
        elif not column.optional:
            problems.append(Problem(name, '', column.name, 'is missing; `hos db init` adds it'))
    return found
