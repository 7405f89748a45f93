"""Checks and stores cell values: https://airtable.com/developers/web/api/field-model."""

from __future__ import annotations

from typing import Any

from .errors import AirtableApiError, invalid
from .model import LINK, WRITABLE_TYPES, StoredBase, StoredField, StoredRecord

_TEXT_TYPES = frozenset(
    {'singleLineText', 'multilineText', 'richText', 'email', 'url', 'phoneNumber', 'date'}
)


def check_cell(base: StoredBase, field: StoredField, value: Any, typecast: bool) -> Any:
    """Return a value as it is stored, None for an empty cell; raises AirtableApiError."""
    if field.type not in WRITABLE_TYPES:
        raise invalid(
            'INVALID_VALUE_FOR_COLUMN',
            f'Field "{field.name}" cannot accept a value because the field is computed',
        )
    if value is None:
        return None
    if field.type in _TEXT_TYPES:
        if isinstance(value, str):
            return value
        if typecast and isinstance(value, (int, float)):
            return str(value)
    elif field.type == 'number':
        return _number(field, value, typecast)
    elif field.type == 'checkbox':
        if isinstance(value, bool):
            return value
    elif field.type == 'singleSelect':
        if isinstance(value, str):
            return _choice(field, value, typecast)
    elif field.type == 'multipleSelects':
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return [_choice(field, item, typecast) for item in value]
    elif isinstance(value, list) and all(isinstance(item, str) for item in value):
        return _links(base, field, value)
    raise _does_not_fit(field)


def write_cells(base: StoredBase, record: StoredRecord, cells: dict[StoredField, Any]) -> None:
    """Store checked values."""
    for field, value in cells.items():
        if field.type == LINK:
            base.set_link(record, field, value or [])
        elif value in (None, '', [], False):
            record.cells.pop(field.id, None)
        else:
            record.cells[field.id] = value


def _number(field: StoredField, value: Any, typecast: bool) -> Any:
    if typecast and isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    raise _does_not_fit(field)


def _choice(field: StoredField, name: str, typecast: bool) -> str:
    choices = field.options['choices']
    if not any(choice['name'] == name for choice in choices):
        if not typecast:
            raise invalid(
                'INVALID_MULTIPLE_CHOICE_OPTIONS',
                f'Insufficient permissions to create new select option "{name}"',
            )
        choices.append({'id': f'sel{len(choices):014}', 'name': name})
    return name


def _links(base: StoredBase, field: StoredField, ids: list[str]) -> list[str]:
    table, _ = base.linked(field)
    for id_ in ids:
        if not id_.startswith('rec'):
            raise invalid('INVALID_RECORD_ID', f'Value "{id_}" is not a valid record ID.')
        if id_ not in table.records:
            raise invalid('ROW_DOES_NOT_EXIST', f'Record ID {id_} does not exist in this table')
    return list(dict.fromkeys(ids))


def _does_not_fit(field: StoredField) -> AirtableApiError:
    return invalid(
        'INVALID_VALUE_FOR_COLUMN', f'Field "{field.name}" cannot accept the provided value'
    )
