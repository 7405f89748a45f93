"""A base in memory: tables, columns and records, with links stored in both tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .errors import invalid, not_permitted
from .ids import IdSequence

LINK = 'multipleRecordLinks'

# The types that a primary column can have: https://airtable.com/developers/web/api/create-base
PRIMARY_TYPES = frozenset(
    {'singleLineText', 'multilineText', 'email', 'url', 'phoneNumber', 'number', 'date'}
)
WRITABLE_TYPES = PRIMARY_TYPES | {'richText', 'checkbox', 'singleSelect', 'multipleSelects', LINK}

# The options that a new column must have, by type.
_REQUIRED_OPTIONS = {
    'number': {'precision'},
    'checkbox': {'icon', 'color'},
    'singleSelect': {'choices'},
    'multipleSelects': {'choices'},
    LINK: {'linkedTableId'},
}
_OPTIONAL_OPTIONS = {LINK: {'viewIdForRecordSelection'}}


class StoredField:
    """A column."""

    def __init__(self, id_: str, name: str, type_: str, options: Any, description: str) -> None:
        self.id = id_
        self.name = name
        self.type = type_
        self.options = options
        self.description = description

    def schema(self) -> dict[str, Any]:
        """Return the column as in the schema answer."""
        schema: dict[str, Any] = {'id': self.id, 'name': self.name, 'type': self.type}
        if self.description:
            schema['description'] = self.description
        if self.options is not None:
            schema['options'] = self.options
        return schema


class StoredRecord:
    """A row; its cells by column id, without empty cells."""

    def __init__(self, id_: str, created: str) -> None:
        self.id = id_
        self.created = created
        self.cells: dict[str, Any] = {}


class StoredTable:
    """A table with its rows in the order of their creation."""

    def __init__(self, id_: str, view_id: str, name: str, description: str) -> None:
        self.id = id_
        self.view_id = view_id
        self.name = name
        self.description = description
        self.fields: list[StoredField] = []
        self.records: dict[str, StoredRecord] = {}

    def field(self, name_or_id: str) -> StoredField:
        """Return a column by name or id; raises AirtableApiError."""
        for field in self.fields:
            if name_or_id in (field.id, field.name):
                return field
        raise invalid('UNKNOWN_FIELD_NAME', f'Unknown field name: "{name_or_id}"')

    def has_field_named(self, name: str) -> bool:
        """Return whether a column has this name; Airtable ignores the case."""
        return any(field.name.casefold() == name.casefold() for field in self.fields)

    def schema(self) -> dict[str, Any]:
        """Return the table as in the schema answer."""
        return {
            'id': self.id,
            'name': self.name,
            **({'description': self.description} if self.description else {}),
            'primaryFieldId': self.fields[0].id,
            'fields': [field.schema() for field in self.fields],
            'views': [{'id': self.view_id, 'name': 'Grid view', 'type': 'grid'}],
        }


class StoredBase:
    """A base with its tables; invalid requests raise AirtableApiError."""

    def __init__(self, ids: IdSequence) -> None:
        self._ids = ids
        self.tables: dict[str, StoredTable] = {}

    def __iter__(self) -> Iterator[StoredTable]:
        return iter(self.tables.values())

    def table(self, name_or_id: str) -> StoredTable:
        """Return a table by name or id."""
        for table in self:
            if name_or_id in (table.id, table.name):
                return table
        raise not_permitted()

    def create_table(self, name: object, description: str, fields: Any) -> StoredTable:
        """Create a table with columns; the first is the primary column."""
        if not isinstance(name, str) or not name.strip():
            raise invalid('INVALID_REQUEST_UNKNOWN', 'Invalid request: name is missing')
        if any(table.name.casefold() == name.casefold() for table in self):
            raise invalid('DUPLICATE_TABLE_NAME', f'Cannot have duplicate table name "{name}"')
        if not isinstance(fields, list) or not fields:
            raise invalid('INVALID_REQUEST_UNKNOWN', 'Invalid request: fields are missing')
        if fields[0].get('type') not in PRIMARY_TYPES:
            raise invalid(
                'UNSUPPORTED_FIELD_TYPE_FOR_PRIMARY_FIELD',
                f'{fields[0].get("type")} is not supported for the primary field',
            )
        table = StoredTable(self._ids.new('tbl'), self._ids.new('viw'), name, description)
        self.tables[table.id] = table
        try:
            for field in fields:
                self.create_field(table, field)
        except Exception:
            del self.tables[table.id]
            raise
        return table

    def create_field(self, table: StoredTable, field: Mapping[str, Any]) -> StoredField:
        """Add a column; a link also adds the inverse column to the linked table."""
        name, type_, options = field.get('name'), str(field.get('type')), field.get('options')
        if not isinstance(name, str) or not name.strip() or table.has_field_named(name):
            raise invalid(
                'DUPLICATE_OR_EMPTY_FIELD_NAME', f'Cannot have duplicate field name "{name}"'
            )
        if type_ not in WRITABLE_TYPES:
            raise invalid(
                'UNSUPPORTED_FIELD_TYPE_FOR_CREATE',
                f'Creating {type_} fields is not supported at this time',
            )
        _check_options(type_, options)
        description = str(field.get('description') or '')
        made = StoredField(
            self._ids.new('fld'), name, type_, _stored_options(self._ids, options), description
        )
        if type_ == LINK:
            self._add_inverse_field(table, made)
        table.fields.append(made)
        return made

    def linked(self, field: StoredField) -> tuple[StoredTable, StoredField | None]:
        """Return the linked table and the inverse column; None for links within one table."""
        table = self.tables[field.options['linkedTableId']]
        inverse = field.options.get('inverseLinkFieldId')
        return table, table.field(inverse) if inverse else None

    def set_link(self, record: StoredRecord, field: StoredField, ids: list[str]) -> None:
        """Change a link in both tables."""
        table, inverse = self.linked(field)
        before = record.cells.get(field.id, [])
        _set(record, field.id, list(ids))
        if inverse is None:
            return
        for id_ in set(before) - set(ids):
            other = table.records[id_]
            _set(other, inverse.id, [i for i in other.cells.get(inverse.id, []) if i != record.id])
        for id_ in ids:
            other = table.records[id_]
            if record.id not in other.cells.get(inverse.id, []):
                _set(other, inverse.id, [*other.cells.get(inverse.id, []), record.id])

    def delete_record(self, table: StoredTable, record_id: str) -> None:
        """Delete a row and every link to it."""
        for other in self:
            for field in other.fields:
                if field.type == LINK and field.options['linkedTableId'] == table.id:
                    for record in other.records.values():
                        links = record.cells.get(field.id, [])
                        _set(record, field.id, [i for i in links if i != record_id])
        del table.records[record_id]

    def _add_inverse_field(self, table: StoredTable, field: StoredField) -> None:
        linked = self.tables.get(field.options['linkedTableId'])
        if linked is None:
            raise not_permitted()
        field.options |= {'isReversed': False, 'prefersSingleRecordLink': False}
        if linked is table:
            return
        name = table.name
        while linked.has_field_named(name):
            name += ' copy'
        options = {
            'linkedTableId': table.id,
            'isReversed': False,
            'prefersSingleRecordLink': False,
            'inverseLinkFieldId': field.id,
        }
        inverse = StoredField(self._ids.new('fld'), name, LINK, options, '')
        field.options['inverseLinkFieldId'] = inverse.id
        linked.fields.append(inverse)


def _check_options(type_: str, options: Any) -> None:
    given = set(options or {})
    required = _REQUIRED_OPTIONS.get(type_, set())
    unknown = given - required - _OPTIONAL_OPTIONS.get(type_, set())
    if not required <= given or unknown:
        wrong = ', '.join(sorted((required - given) | unknown))
        raise invalid(
            'INVALID_FIELD_TYPE_OPTIONS_FOR_CREATE',
            f'Invalid options for {type_}: {wrong}',
        )


def _stored_options(ids: IdSequence, options: Any) -> Any:
    if options and 'choices' in options:
        choices = [{'id': ids.new('sel'), **choice} for choice in options['choices']]
        return {**options, 'choices': choices}
    return dict(options) if options else None


def _set(record: StoredRecord, field_id: str, cell: Any) -> None:
    if cell in (None, '', [], False):
        record.cells.pop(field_id, None)
    else:
        record.cells[field_id] = cell
