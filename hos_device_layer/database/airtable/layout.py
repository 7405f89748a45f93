"""What the tables of a specification look like in Airtable, and what a base lacks of that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from ...core.spec import tables as t
from .base_schema import CHECKBOX, LINK, TableSchema
from .matching import PROBLEMS_COLUMN, Memory, find_tables, serializers_table, spec_columns

ROLES = ('Haive', 'Container', 'Bridge', 'Equipment', 'Sensor')

_LINE: dict[str, Any] = {'type': 'singleLineText'}
_LINES: dict[str, Any] = {'type': 'multilineText'}
_WHOLE: dict[str, Any] = {'type': 'number', 'options': {'precision': 0}}

# How each column is made; one that is not listed is a line of text.
_FIELDS: Mapping[str, dict[str, Any]] = {
    'device_role': {
        'type': 'singleSelect',
        'options': {'choices': [{'name': role} for role in ROLES]},
    },
    'serialized_api': {
        'type': CHECKBOX,
        'options': {'icon': 'check', 'color': 'greenBright'},
    },
    'description': _LINES,
    'arguments': _LINES,
    'results': _LINES,
    'values': _LINES,
    'timeout_s': {'type': 'number', 'options': {'precision': 3}},
    'max_in_flight': _WHOLE,
    'device_uid': _WHOLE,
    'baud_rate': _WHOLE,
    PROBLEMS_COLUMN: _LINES,
}

# Shown in Airtable above the columns that are not plain.
_DESCRIPTIONS = {
    'arguments': 'One name:type a line, with range and unit if you like: x:float32 -60..60 [mm]',
    'results': 'One name:type a line, as in arguments',
    'values': 'One name:type a line, as in the arguments of apis',
    'serializer': 'The command sent; each $ stands for an argument, in order: A$B$C$',
    'device_uid': '0 to 4294967295, different for every device; empty until it is known',
    'timeout_s': 'Seconds from acceptance to result; empty: the default of the manager',
    'max_in_flight': 'How many calls may run on one device at a time; empty: any number',
    PROBLEMS_COLUMN: 'Filled in by `hos db check --write-back`',
}

_TABLE_DESCRIPTIONS = {
    t.DEVICES: 'The kinds of devices',
    t.APIS: 'What devices can be told to do',
    t.SERIALIZERS: 'The commands of devices with serialized_api',
    t.STREAMS: 'What devices send on their own',
}


class NewTable(msgspec.Struct, frozen=True):
    """A table to create; its links follow as fields, since both ends must exist."""

    name: str
    description: str
    fields: Sequence[dict[str, Any]]


class NewField(msgspec.Struct, frozen=True):
    """A column to add; `links_to` is the name of the table whose rows it links to."""

    table: str
    field: dict[str, Any]
    links_to: str | None = None


def linked_table(table: str, column: str) -> str | None:
    """Return the table that a column links to; None for a column without links."""
    if column in ('device_types', 'device_type') and table != t.DEVICES:
        return t.DEVICES
    if column == 'function_name' and table != t.APIS:
        return t.APIS
    return table if column == 'child_device' else None


def missing_parts(
    schema: Sequence[TableSchema], memory: Memory, fleet_tables: Iterable[str]
) -> list[NewTable | NewField]:
    """Return what a base needs to hold these fleets, in the order in which it can be created."""
    found = {table.name: table for table in find_tables(schema, memory).tables}
    tables: list[NewTable | NewField] = []
    fields: list[NewTable | NewField] = []
    names = (t.DEVICES, t.APIS, serializers_table(found), t.STREAMS, *fleet_tables)
    for table in names:
        columns = list(spec_columns(table))
        if table not in found:
            columns.remove(t.name_column(table))
            columns.insert(0, t.name_column(table))
            plain = [c for c in columns if linked_table(table, c) is None]
            description = _TABLE_DESCRIPTIONS.get(table, 'The devices of a fleet')
            tables.append(NewTable(table, description, [field_of(table, c) for c in plain]))
            columns = [c for c in columns if c not in plain]
        else:
            columns = [c for c in columns if c not in found[table].columns]
        fields += [NewField(table, field_of(table, c), linked_table(table, c)) for c in columns]
    return [*tables, *fields]


def field_of(table: str, column: str) -> dict[str, Any]:
    """Return how a column is created; a link still lacks the id of the table it links to."""
    kind = {'type': LINK} if linked_table(table, column) else _FIELDS.get(column, _LINE)
    description = _DESCRIPTIONS.get(column)
    return {'name': column, **kind, **({'description': description} if description else {})}
