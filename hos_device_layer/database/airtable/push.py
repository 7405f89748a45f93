"""Write a specification into a base: rows are added or changed, never duplicated or removed."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec

from ...core.errors import DatabaseError
from ...core.spec.cells import is_empty
from ...core.spec.spec_tables import SINGLE_TABLE_NAMES, SINGLE_TABLES, table_of
from ...core.spec.tables import Tables
from ...source_tree import HOS
from .base_schema import BaseRecord
from .client import MAX_RECORDS_PER_REQUEST, Airtable
from .matching import MatchedTable, RememberedIds, used_name
from .pull import read_base
from .record_changes import RecordChanges, find_changes
from .requests import LostAnswerError
from .rows import row_names

# How often a table is compared again: for links within it, and after an answer was lost.
_ATTEMPTS = 5

T = TypeVar('T')


class PushSummary(msgspec.Struct, frozen=True):
    """What a push did to a table, in rows."""

    table: str
    added: int
    changed: int
    only_in_base: int


def push_tables(
    airtable: Airtable, tables: Tables, remembered: RememberedIds
) -> list[PushSummary]:
    """
    Write every row of `tables` into the base; may be repeated, also after an interruption.

    Raises DatabaseError, before anything is written if a table or column is missing.
    """
    snapshot = read_base(airtable, remembered)
    found = {table.name: table for table in snapshot.matched.tables}
    tables = _renamed_as_in_base(tables, found)
    missing = list(_missing(tables, found))
    if missing:
        raise DatabaseError(f'the base lacks {", ".join(missing)}; run `{HOS} db init`')
    pusher = _TablePusher(
        airtable, found, {name: list(rs) for name, rs in snapshot.records.items()}
    )
    order = [table for table in SINGLE_TABLE_NAMES if table in tables]
    order += sorted(table for table in tables if table not in SINGLE_TABLE_NAMES)
    return [pusher.push(name, tables) for name in order]


def _renamed_as_in_base(tables: Tables, found: Container[str]) -> Tables:
    names = {used_name(table, tables): used_name(table, found) for table in SINGLE_TABLES}
    return {names.get(name, name): rows for name, rows in tables.items()}


def _missing(tables: Tables, found: Mapping[str, MatchedTable]) -> Iterator[str]:
    for name, rows in tables.items():
        if name not in found:
            yield f'the table {name!r}'
            continue
        for column in table_of(name).columns:
            is_used = any(not is_empty(row.get(column.name)) for row in rows)
            if is_used and column.name not in found[name].columns:
                yield f'the column {column.name!r} of the table {name!r}'


class _TablePusher:
    """Writes one table after the other and keeps the records of the base up to date."""

    def __init__(
        self,
        airtable: Airtable,
        found: Mapping[str, MatchedTable],
        records: dict[str, list[BaseRecord]],
    ) -> None:
        self._airtable = airtable
        self._found = found
        self._records = records

    def push(self, name: str, tables: Tables) -> PushSummary:
        """Write one table until a comparison finds no difference."""
        table = self._found[name]
        added = changed = 0
        done: RecordChanges | None = None
        for _ in range(_ATTEMPTS):
            plan = self._plan(table, tables)
            if plan.is_empty:
                return PushSummary(name, added, changed, plan.only_in_base)
            if plan == done:
                raise DatabaseError(
                    f'the table {name!r} does not keep what is written to it; change its columns '
                    'to the kinds in docs/reference/specification.md'
                )
            before = len(self._records[name])
            try:
                self._carry_out(table, plan)
                done = plan
            except LostAnswerError:
                self._records[name] = self._airtable.records(table.schema, table.columns.values())
            added += len(self._records[name]) - before
            changed = max(changed, len(plan.changes))
        raise DatabaseError(
            f'the table {name!r} could not be written: the connection to Airtable keeps '
            'breaking, or somebody else is editing the table; try again later'
        )

    def _plan(self, table: MatchedTable, tables: Tables) -> RecordChanges:
        names = row_names(self._found.values(), self._records)
        return find_changes(table, tables[table.name], self._records[table.name], names)

    def _carry_out(self, table: MatchedTable, plan: RecordChanges) -> None:
        # If the key is not a link, Airtable looks for the row itself before it adds one.
        key = table.columns[table_of(table.name).key.name]
        merge_on = [] if key.linked_table_id else [key.id]
        records = self._records[table.name]
        for cells in batches(plan.additions):
            records += self._airtable.create_records(table.schema.id, cells, merge_on)
        position = {record.id: index for index, record in enumerate(records)}
        for changes in batches(list(plan.changes.items())):
            for record in self._airtable.update_records(table.schema.id, dict(changes)):
                records[position[record.id]] = record


def batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield the items in groups that fit into one request."""
    for start in range(0, len(items), MAX_RECORDS_PER_REQUEST):
        yield items[start : start + MAX_RECORDS_PER_REQUEST]
