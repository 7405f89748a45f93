"""How the tables of a specification are laid out in Airtable, and what a base lacks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from ...core.spec.schema import Column, Kind
from ...core.spec.spec_tables import SINGLE_TABLES, table_of
from .base_schema import CHECKBOX, LINK, TableSchema
from .matching import RememberedIds, find_tables, used_name

# The Airtable field for each kind of column.
_FIELDS: Mapping[Kind, dict[str, Any]] = {
    Kind.NAME: {'type': 'singleLineText'},
    Kind.TOPIC_NAME: {'type': 'singleLineText'},
    Kind.TEXT: {'type': 'singleLineText'},
    Kind.LONG_TEXT: {'type': 'multilineText'},
    Kind.CHOICE: {'type': 'singleSelect'},
    Kind.CHECKBOX: {'type': CHECKBOX, 'options': {'icon': 'check', 'color': 'greenBright'}},
    Kind.INTEGER: {'type': 'number', 'options': {'precision': 0}},
    Kind.SECONDS: {'type': 'number', 'options': {'precision': 3}},
    Kind.FIELDS: {'type': 'multilineText'},
    Kind.LINK: {'type': LINK},
    Kind.LINKS: {'type': LINK},
    Kind.TEMPLATE: {'type': 'singleLineText'},
}


class NewTable(msgspec.Struct, frozen=True):
    """A table to create without its links, which need both tables to exist."""

    name: str
    description: str
    fields: Sequence[dict[str, Any]]


class NewField(msgspec.Struct, frozen=True):
    """A column to add; `links_to` is the name of the linked table."""

    table: str
    field: dict[str, Any]
    links_to: str | None = None


def missing_parts(
    schema: Sequence[TableSchema], remembered: RememberedIds, fleet_tables: Iterable[str]
) -> list[NewTable | NewField]:
    """Return what a base lacks to hold these fleets, in an order in which it can be created."""
    found = {table.name: table for table in find_tables(schema, remembered).tables}
    tables: list[NewTable | NewField] = []
    fields: list[NewTable | NewField] = []
    single = [used_name(table, found) for table in SINGLE_TABLES]
    for name in (*single, *fleet_tables):
        declared = table_of(name)
        if name in found:
            columns = [c for c in declared.columns if c.name not in found[name].columns]
        else:
            plain = [field_of(c) for c in declared.columns if not c.kind.is_link]
            tables.append(NewTable(name, declared.help, plain))
            columns = [c for c in declared.columns if c.kind.is_link]
        fields += [NewField(name, field_of(c), c.target(name) or None) for c in columns]
    return [*tables, *fields]


def field_of(column: Column) -> dict[str, Any]:
    """Return the request that creates a column; a link lacks the id of the linked table."""
    choices = {'options': {'choices': [{'name': choice} for choice in column.choices]}}
    return {
        'name': column.name,
        **_FIELDS[column.kind],
        **(choices if column.kind is Kind.CHOICE else {}),
        'description': column.describe(),
    }
