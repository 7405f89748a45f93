"""Create the tables, columns and links that a base lacks."""

from __future__ import annotations

from collections.abc import Iterable

from ...core.errors import DatabaseError
from .base_schema import TableSchema
from .client import Airtable
from .layout import NewField, NewTable, missing_parts
from .matching import RememberedIds, find_tables
from .requests import LostAnswerError

# How often the schema is read again after an answer was lost.
_ATTEMPTS = 5


def init_base(
    airtable: Airtable, remembered: RememberedIds, fleet_tables: Iterable[str]
) -> list[str]:
    """
    Create what a base lacks of these fleets and of the other tables; returns what was created.

    May be repeated, also after an interruption. Raises DatabaseError.
    """
    fleet_tables = tuple(fleet_tables)
    created: list[str] | None = None
    for _ in range(_ATTEMPTS):
        schema = airtable.schema()
        parts = missing_parts(schema, remembered, fleet_tables)
        if created is None:
            created = [_description(part) for part in parts]
        try:
            _create(airtable, schema, remembered, parts)
        except LostAnswerError:
            continue  # The next schema shows whether it was created.
        return created
    raise DatabaseError('the connection to Airtable keeps breaking; try again later')


def _create(
    airtable: Airtable,
    schema: Iterable[TableSchema],
    remembered: RememberedIds,
    parts: Iterable[NewTable | NewField],
) -> None:
    ids = {table.name: table.schema.id for table in find_tables(tuple(schema), remembered).tables}
    for part in parts:
        if isinstance(part, NewTable):
            ids[part.name] = airtable.create_table(part.name, part.description, part.fields).id
        else:
            airtable.create_field(ids[part.table], _with_link(part, ids))


def _description(part: NewTable | NewField) -> str:
    if isinstance(part, NewTable):
        return f'table {part.name!r}'
    return f'column {part.field["name"]!r} of the table {part.table!r}'


def _with_link(part: NewField, ids: dict[str, str]) -> dict[str, object]:
    if part.links_to is None:
        return part.field
    return {**part.field, 'options': {'linkedTableId': ids[part.links_to]}}
