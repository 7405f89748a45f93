"""Convert records to rows: links become names, cells take the form of the local copy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...core.errors import SpecError
from ...core.spec.cells import as_list
from ...core.spec.schema import Column
from ...core.spec.spec_tables import table_of
from ...core.spec.tables import Row
from .base_schema import BaseRecord, FieldSchema
from .matching import ColumnPairs, MatchedTable

Names = Mapping[str, Mapping[str, str]]


def rows_of_tables(
    tables: Iterable[MatchedTable], records: Mapping[str, Sequence[BaseRecord]]
) -> dict[str, list[Row]]:
    """Return the rows of each table in the order of its records; `records` go by table name."""
    tables = tuple(tables)
    names = row_names(tables, records)
    return {
        table.name: [row_of(table.pairs, record, names) for record in records[table.name]]
        for table in tables
    }


def row_names(
    tables: Iterable[MatchedTable], records: Mapping[str, Sequence[BaseRecord]]
) -> dict[str, dict[str, str]]:
    """Return the names of rows by record id, for each table id."""
    names = {}
    for table in tables:
        field = table.columns.get(table_of(table.name).name_column.name)
        cells = (
            (record.id, str(_scalar(record.fields.get(field.id, ''))))
            for record in (records[table.name] if field else ())
            if field
        )
        names[table.schema.id] = {record_id: name for record_id, name in cells if name}
    return names


def row_of(columns: ColumnPairs, record: BaseRecord, names: Names) -> Row:
    """Return the cells of a record by column; a link to an unknown row stays a record id."""
    return {
        column.name: plain_cell(column, _linked_names(field, record.fields[field.id], names))
        for column, field in columns
        if field.id in record.fields
    }


def plain_cell(column: Column, cell: Any) -> Any:
    """Return a cell in the form of the local copy, in which equal cells compare equal."""
    if not (column.kind.is_list or column.kind.is_link):
        return _scalar(cell)
    try:
        items = list(as_list(cell))
    except SpecError:
        return cell
    # A name with a comma would be read as two names if it were not in a list.
    is_text = len(items) == 1 and column.is_written_as_text and ',' not in items[0]
    return items[0] if is_text else items


def _linked_names(field: FieldSchema, cell: Any, names: Names) -> Any:
    linked = field.linked_table_id
    if linked is None or not isinstance(cell, list):
        return cell
    known = names.get(linked, {})
    return [known.get(item, item) if isinstance(item, str) else item for item in cell]


def _scalar(cell: Any) -> Any:
    if isinstance(cell, dict) and isinstance(cell.get('value'), str):
        cell = cell['value']  # A text written by Airtable's AI.
    if isinstance(cell, list) and len(cell) == 1:
        cell = cell[0]  # A lookup with one value.
    if isinstance(cell, float) and cell.is_integer():
        return int(cell)
    return cell.strip() if isinstance(cell, str) else cell
