"""Write each problem into the base, beside its row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ...core.errors import DatabaseError
from ...core.spec.spec_tables import table_of
from ...core.spec.tables import Problem
from .base_schema import FieldSchema
from .client import Airtable
from .layout import field_of
from .matching import PROBLEMS, MatchedTable
from .pull import BaseSnapshot
from .push import batches
from .requests import LostAnswerError

_ATTEMPTS = 5


def write_back(airtable: Airtable, snapshot: BaseSnapshot, problems: Iterable[Problem]) -> int:
    """
    Write the problems of each row into its column `problems`, which is emptied if there are none.

    Adds the column to a table that needs it. Returns how many rows were changed. Raises
    DatabaseError.
    """
    texts: dict[tuple[str, str], list[str]] = {}
    for problem in problems:
        column = f'{problem.column}: ' if problem.column else ''
        texts.setdefault((problem.table, problem.row), []).append(column + problem.text)
    changed = 0
    for table in snapshot.matched.tables:
        wanted = {
            record.id: '\n'.join(
                texts.get((table.name, table_of(table.name).row_label(row, position)), ())
            )
            for position, (record, row) in enumerate(
                zip(snapshot.records[table.name], snapshot.tables[table.name]), start=1
            )
        }
        changed += _write_table(airtable, snapshot, table, wanted)
    return changed


def _write_table(
    airtable: Airtable, snapshot: BaseSnapshot, table: MatchedTable, wanted: Mapping[str, str]
) -> int:
    field = table.columns.get(PROBLEMS.name)
    if field is None:
        if not any(wanted.values()):
            return 0
        field = _add_column(airtable, table)
    changes = {
        record.id: {field.id: wanted[record.id] or None}
        for record in snapshot.records[table.name]
        if wanted[record.id] != str(record.fields.get(field.id, '')).strip()
    }
    for batch in batches(list(changes.items())):
        airtable.update_records(table.schema.id, dict(batch))
    return len(changes)


def _add_column(airtable: Airtable, table: MatchedTable) -> FieldSchema:
    for _ in range(_ATTEMPTS):
        try:
            return airtable.create_field(table.schema.id, field_of(PROBLEMS))
        except LostAnswerError:
            for present in airtable.schema():
                for field in present.fields:
                    if present.id == table.schema.id and field.name == PROBLEMS.name:
                        return field
    raise DatabaseError('the connection to Airtable keeps breaking; try again later')
