"""Match the tables and columns of a base with those of the specification."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from ...core.spec import tables as t
from ...core.spec.schema import Column, Kind, SpecTable
from ...core.spec.spec_tables import SINGLE_TABLE_NAMES, table_of
from ...core.spec.tables import Problem
from ...source_tree import HOS
from ..local_copy import NO_FILE_NAME, is_file_name
from .base_schema import FieldSchema, TableSchema

# A column that every table in Airtable may have; it is not part of the specification.
PROBLEMS = Column(
    'problems', Kind.LONG_TEXT, 'Filled in by `hos db check --write-back`.', optional=True
)

# Columns of a table, each with its field in the base.
ColumnPairs = Sequence[tuple[Column, FieldSchema]]


class RememberedIds(msgspec.Struct, frozen=True):
    """The ids of tables and columns found by the last read; a renamed one keeps its id."""

    tables: Mapping[str, str] = {}
    columns: Mapping[str, Mapping[str, str]] = {}


class MatchedTable(msgspec.Struct, frozen=True):
    """A table of the specification in the base; `columns` are those that exist."""

    name: str
    schema: TableSchema
    columns: Mapping[str, FieldSchema]

    @property
    def pairs(self) -> ColumnPairs:
        """The columns that exist, each with its field in the base."""
        return [(c, self.columns[c.name]) for c in columns_of(self.name) if c.name in self.columns]


class MatchedBase(msgspec.Struct, frozen=True):
    """The tables of the specification found in a base, and the problems of the match."""

    tables: tuple[MatchedTable, ...]
    problems: tuple[Problem, ...]

    @property
    def ids(self) -> RememberedIds:
        """The ids to remember for the next match."""
        return RememberedIds(
            {table.name: table.schema.id for table in self.tables},
            {
                table.name: {column: field.id for column, field in table.columns.items()}
                for table in self.tables
            },
        )


def used_name(table: SpecTable[Any], names: Container[str]) -> str:
    """Return the name of a table that is among `names`, else its usual name."""
    return next((name for name in table.names if name in names), table.name)


def columns_of(table: str) -> tuple[Column, ...]:
    """Return the columns that are read of a table in Airtable."""
    return (*table_of(table).columns, PROBLEMS)


def find_tables(schema: Sequence[TableSchema], remembered: RememberedIds) -> MatchedBase:
    """
    Find tables and columns by name, or by remembered id if the name does not exist.

    Missing and renamed ones are reported as problems. Tables and columns that are not part of the
    specification are ignored.
    """
    problems: list[Problem] = []
    chosen: dict[str, TableSchema] = {}
    for name in SINGLE_TABLE_NAMES:
        table = _find_table(name, schema, remembered, problems)
        if table is not None:
            chosen[name] = table
    for table in sorted(schema, key=lambda table: table.name):
        if not t.is_fleet_table(table.name):
            continue
        if is_file_name(table.name):
            chosen[table.name] = table
        else:
            problems.append(Problem(table.name, '', '', NO_FILE_NAME))
    found = tuple(
        MatchedTable(name, table, _find_columns(name, table, remembered, problems))
        for name, table in chosen.items()
    )
    return MatchedBase(found, tuple(problems))


def _find_table(
    name: str, schema: Iterable[TableSchema], remembered: RememberedIds, problems: list[Problem]
) -> TableSchema | None:
    by_name = {table.name: table for table in schema}
    if name in by_name:
        return by_name[name]
    for table in schema:
        if table.id == remembered.tables.get(name) and table.name not in SINGLE_TABLE_NAMES:
            problems.append(Problem(name, '', '', _renamed_text(table.name)))
            return table
    return None


def _find_columns(
    name: str, table: TableSchema, remembered: RememberedIds, problems: list[Problem]
) -> dict[str, FieldSchema]:
    by_name = {field.name.strip(): field for field in table.fields}
    by_id = {field.id: field for field in table.fields}
    wanted = columns_of(name)
    names = {column.name for column in wanted}
    ids = remembered.columns.get(name, {})
    found = {}
    for column in wanted:
        renamed = by_id.get(ids.get(column.name, ''))
        if column.name in by_name:
            found[column.name] = by_name[column.name]
        elif renamed is not None and renamed.name not in names:
            found[column.name] = renamed
            problems.append(Problem(name, '', column.name, _renamed_text(renamed.name)))
        elif not column.optional:
            text = f'is missing; add it with `{HOS} db init`'
            problems.append(Problem(name, '', column.name, text))
    return found


def _renamed_text(new_name: str) -> str:
    return f'was renamed to {new_name!r} and is still read; rename it back'
