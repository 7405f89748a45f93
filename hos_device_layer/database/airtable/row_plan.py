"""Which records to add and to change so that a table holds given rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from ...core.errors import SpecError
from ...core.spec import tables as t
from ...core.spec.tables import Row, as_list
from .base_schema import CHECKBOX, NUMBER_TYPES, BaseRecord, FieldSchema
from .matching import PROBLEMS_COLUMN, FoundTable
from .rows import Names, plain_cell, row_of

# The column that tells one row of a table from the others, where it is not the one that names it:
# several functions may be serialized alike.
_KEY_COLUMNS = {t.SERIALIZERS: 'function_name', t.API_SERIALIZERS: 'function_name'}

Cells = Mapping[str, object]


class RowPlan(msgspec.Struct, frozen=True):
    """Records to add, and to change by their ids; cells go by column id, None empties one."""

    additions: Sequence[Cells]
    changes: Mapping[str, Cells]
    only_in_base: int

    @property
    def is_empty(self) -> bool:
        return not self.additions and not self.changes


def key_column(table: str) -> str:
    """Return the column that tells the rows of a table from each other."""
    return _KEY_COLUMNS.get(table, t.name_column(table))


def plan_rows(
    table: FoundTable, rows: Iterable[Row], records: Iterable[BaseRecord], names: Names
) -> RowPlan:
    """
    Compare the rows that ought to be in a table with its records.

    A row without a name, and all but the first of equal name, are left out. A link to a row that
    is not in the base yet is too: plan again when it is. Rows that only the base has stay.
    """
    key = key_column(table.name)
    ids = {table_id: _by_name(known) for table_id, known in names.items()}
    present: dict[str, BaseRecord] = {}
    for there in records:
        present.setdefault(_key(row_of(table, there, names), key), there)
    additions: list[Cells] = []
    changes: dict[str, Cells] = {}
    wanted = {_key(row, key): row for row in reversed(tuple(rows))}
    wanted.pop('', None)
    for name in sorted(wanted):
        record = present.pop(name, None)
        cells = _changed_cells(table, wanted[name], record, names, ids)
        if record is None:
            additions.append({field: cell for field, cell in cells.items() if cell is not None})
        elif cells:
            changes[record.id] = cells
    present.pop('', None)
    return RowPlan(additions, changes, len(present))


def _changed_cells(
    table: FoundTable,
    row: Row,
    record: BaseRecord | None,
    names: Names,
    ids: Mapping[str, Mapping[str, str]],
) -> Cells:
    present = row_of(table, record, names) if record else {}
    cells = {}
    for column, field in table.columns.items():
        if column == PROBLEMS_COLUMN or not field.is_writable:
            continue
        wanted = plain_cell(column, row.get(column))
        if t.is_empty(wanted) and t.is_empty(present.get(column)):
            continue
        cell = _cell(field, wanted, ids)
        unchanged = record.fields.get(field.id) if record else None
        if wanted != present.get(column) and cell != unchanged:
            cells[field.id] = cell
    return cells


def _cell(field: FieldSchema, value: object, ids: Mapping[str, Mapping[str, str]]) -> object:
    """Return a value as a column of this kind takes it; None where it is or becomes empty."""
    if t.is_empty(value):
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
    """Return record ids by name; of several with one name the first."""
    return {name: record_id for record_id, name in reversed(list(names.items()))}


def _key(row: Row, column: str) -> str:
    value = plain_cell(column, row.get(column))
    return '' if value is None or isinstance(value, list) else str(value)
