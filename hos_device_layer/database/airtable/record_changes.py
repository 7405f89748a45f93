"""Which records must be added and changed so that a table holds given rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from ...core.errors import SpecError
from ...core.spec.cells import as_list, is_empty
from ...core.spec.schema import Column
from ...core.spec.spec_tables import table_of
from ...core.spec.tables import Row
from .base_schema import CHECKBOX, NUMBER_TYPES, BaseRecord, FieldSchema
from .matching import PROBLEMS, ColumnPairs, MatchedTable
from .rows import Names, plain_cell, row_of

Cells = Mapping[str, object]


class RecordChanges(msgspec.Struct, frozen=True):
    """Records to add, and records to change by id; cells go by column id, None empties one."""

    additions: Sequence[Cells]
    changes: Mapping[str, Cells]
    only_in_base: int

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not self.additions and not self.changes


def find_changes(
    table: MatchedTable, rows: Iterable[Row], records: Iterable[BaseRecord], names: Names
) -> RecordChanges:
    """
    Compare the rows that a table should hold with its records.

    Rows without a key are skipped, and all but the first with the same key. A link to a row that
    is not in the base yet is skipped too; compare again once it is. Rows that only the base has
    are kept.
    """
    key, columns = table_of(table.name).key, table.pairs
    ids = {table_id: _by_name(known) for table_id, known in names.items()}
    present: dict[str, BaseRecord] = {}
    for there in records:
        present.setdefault(_key(row_of(columns, there, names), key), there)
    additions: list[Cells] = []
    changes: dict[str, Cells] = {}
    wanted = {_key(row, key): row for row in reversed(tuple(rows))}
    wanted.pop('', None)
    for name in sorted(wanted):
        record = present.pop(name, None)
        cells = _changed_cells(columns, wanted[name], record, names, ids)
        if record is None:
            additions.append({field: cell for field, cell in cells.items() if cell is not None})
        elif cells:
            changes[record.id] = cells
    present.pop('', None)
    return RecordChanges(additions, changes, len(present))


def _changed_cells(
    columns: ColumnPairs,
    row: Row,
    record: BaseRecord | None,
    names: Names,
    ids: Mapping[str, Mapping[str, str]],
) -> Cells:
    present = row_of(columns, record, names) if record else {}
    cells = {}
    for column, field in columns:
        if column is PROBLEMS or not field.is_writable:
            continue
        wanted, there = plain_cell(column, row.get(column.name)), present.get(column.name)
        if is_empty(wanted) and is_empty(there):
            continue
        cell = _cell(field, wanted, ids)
        unchanged = record.fields.get(field.id) if record else None
        if wanted != there and cell != unchanged:
            cells[field.id] = cell
    return cells


def _cell(field: FieldSchema, value: object, ids: Mapping[str, Mapping[str, str]]) -> object:
    """Return a value in the form that the field takes; None if it is or becomes empty."""
    if is_empty(value):
        return None
    if field.linked_table_id is not None:
        known = ids.get(field.linked_table_id, {})
        return [known[name] for name in _as_names(value) if name in known] or None
    if field.type in NUMBER_TYPES:
        return _as_number(value)
    if field.type == CHECKBOX:
        return value
    return '\n'.join(_as_names(value)) if isinstance(value, (list, tuple)) else str(value)


def _as_names(value: object) -> tuple[str, ...]:
    try:
        return as_list(value)
    except SpecError:
        return (str(value),)


def _as_number(value: object) -> object:
    try:
        number = float(value) if isinstance(value, str) else value
    except ValueError:
        return value
    return int(number) if isinstance(number, float) and number.is_integer() else number


def _by_name(names: Mapping[str, str]) -> dict[str, str]:
    """Return record ids by name; the first one if several have the same name."""
    return {name: record_id for record_id, name in reversed(list(names.items()))}


def _key(row: Row, column: Column) -> str:
    value = plain_cell(column, row.get(column.name))
    return '' if value is None or isinstance(value, list) else str(value)
