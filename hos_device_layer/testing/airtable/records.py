"""Requests that read and write records: https://airtable.com/developers/web/api/list-records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from .cells import check_cell, write_cells
from .errors import AirtableApiError, invalid, not_permitted
from .ids import IdSequence
from .model import StoredBase, StoredField, StoredRecord, StoredTable

MAX_RECORDS = 10
MAX_PAGE = 100

_MAX_MERGE_COLUMNS = 3


class RecordPages:
    """The rest of lists that clients read page by page, by opaque offset."""

    def __init__(self, ids: IdSequence) -> None:
        self._ids = ids
        self._rest: dict[str, list[str]] = {}

    def list_page(self, table: StoredTable, query: Any) -> dict[str, Any]:
        """Return a page of records, with an offset if more follow; `query` is a MultiDict."""
        size = _page_size(query.get('pageSize'))
        by_id = query.get('returnFieldsByFieldId') in ('1', 'true')
        fields = [table.field(name) for name in query.getall('fields[]', [])] or table.fields
        rest = self._rest_at(query.get('offset'))
        if rest is None:
            rest = list(table.records)
        page = [table.records[id_] for id_ in rest[:size] if id_ in table.records]
        answer: dict[str, Any] = {'records': [record_json(r, fields, by_id) for r in page]}
        if rest[size:]:
            iterator = self._ids.new('itr')
            self._rest[iterator] = rest[size:]
            answer['offset'] = f'{iterator}/{rest[size]}'
        return answer

    def expire(self) -> None:
        """Forget all offsets, as Airtable does after some minutes."""
        self._rest.clear()

    def _rest_at(self, offset: str | None) -> list[str] | None:
        if offset is None:
            return None
        iterator, _, record_id = offset.partition('/')
        if not iterator.startswith('itr') or not record_id.startswith('rec'):
            raise invalid('INVALID_OFFSET_VALUE', f'The value of offset {offset} is invalid')
        rest = self._rest.get(iterator)
        if rest is None:
            raise invalid('LIST_RECORDS_ITERATOR_NOT_AVAILABLE')
        return rest


def create(
    base: StoredBase, ids: IdSequence, table: StoredTable, body: Mapping[str, Any]
) -> dict[str, Any]:
    """Create all records, or none if one of them is invalid."""
    checked = [_checked(base, table, item, body) for item in _items(body)]
    made = [_add(base, ids, table, cells) for cells in checked]
    return {'records': _answer(table, made, body)}


def update(
    base: StoredBase, ids: IdSequence, table: StoredTable, body: Mapping[str, Any], replace: bool
) -> dict[str, Any]:
    """Update records by id; with `performUpsert`, by equal cells, and create missing ones."""
    merge_on = (body.get('performUpsert') or {}).get('fieldsToMergeOn')
    if merge_on is None:
        plan = [
            (_existing(table, item), _checked(base, table, item, body)) for item in _items(body)
        ]
        for record, cells in plan:
            _change(base, table, record, cells, replace)
        return {'records': _answer(table, [record for record, _ in plan], body)}
    if not 0 < len(merge_on) <= _MAX_MERGE_COLUMNS:
        raise invalid('INVALID_REQUEST_UNKNOWN', 'Invalid request: fieldsToMergeOn')
    keys = [table.field(name) for name in merge_on]
    merged = []
    for item in _items(body):
        cells = _checked(base, table, item, body)
        merged.append((_same(table, keys, cells), cells))
    changed: list[StoredRecord] = []
    created: list[str] = []
    updated: list[str] = []
    for found, cells in merged:
        present = found or _same(table, keys, cells)
        if present is None:
            changed.append(_add(base, ids, table, cells))
            created.append(changed[-1].id)
        else:
            _change(base, table, present, cells, replace)
            changed.append(present)
            updated.append(present.id)
    answer = {'records': _answer(table, changed, body)}
    return {**answer, 'createdRecords': created, 'updatedRecords': updated}


def delete(base: StoredBase, table: StoredTable, record_ids: Sequence[str]) -> dict[str, Any]:
    """Delete records by id."""
    for id_ in record_ids:
        if id_ not in table.records:
            message = f'Could not find a record with ID "{id_}".'
            raise AirtableApiError(404, {'type': 'NOT_FOUND', 'message': message})
    for id_ in record_ids:
        base.delete_record(table, id_)
    return {'records': [{'id': id_, 'deleted': True} for id_ in record_ids]}


def find_record(table: StoredTable, record_id: str) -> StoredRecord:
    """Return the record that a request address names."""
    if record_id not in table.records:
        raise not_permitted()
    return table.records[record_id]


def record_json(
    record: StoredRecord, fields: Sequence[StoredField], by_id: bool
) -> dict[str, Any]:
    """Return a record as Airtable sends it, without empty cells."""
    cells = {
        field.id if by_id else field.name: record.cells[field.id]
        for field in fields
        if field.id in record.cells
    }
    return {'id': record.id, 'createdTime': record.created, 'fields': cells}


def _page_size(text: str | None) -> int:
    if text is None or not text.isdigit():
        return MAX_PAGE
    if not 0 < int(text) <= MAX_PAGE:
        raise invalid('INVALID_PAGE_SIZE_ARGUMENT', 'The value of pageSize is invalid')
    return int(text)


def _items(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    items = body.get('records')
    if not isinstance(items, list) or not 0 < len(items) <= MAX_RECORDS:
        raise invalid(
            'INVALID_REQUEST_UNKNOWN',
            f'Invalid request: You must provide an array of up to {MAX_RECORDS} record objects',
        )
    if not all(isinstance(item, dict) and isinstance(item.get('fields'), dict) for item in items):
        raise invalid('INVALID_REQUEST_MISSING_FIELDS', 'Could not find field "fields"')
    return items


def _checked(
    base: StoredBase, table: StoredTable, item: Mapping[str, Any], body: Mapping[str, Any]
) -> dict[StoredField, Any]:
    cells = {table.field(name): value for name, value in item['fields'].items()}
    typecast = body.get('typecast') is True
    return {field: check_cell(base, field, value, typecast) for field, value in cells.items()}


def _existing(table: StoredTable, item: Mapping[str, Any]) -> StoredRecord:
    record = table.records.get(str(item.get('id')))
    if record is None:
        message = f'Record ID {item.get("id")} does not exist in this table'
        raise invalid('ROW_DOES_NOT_EXIST', message)
    return record


def _same(
    table: StoredTable, keys: Sequence[StoredField], cells: Mapping[StoredField, Any]
) -> StoredRecord | None:
    missing = [key.name for key in keys if key not in cells]
    if missing:
        raise invalid('INVALID_REQUEST_UNKNOWN', f'Invalid request: {missing[0]} is missing')
    found = [
        record
        for record in table.records.values()
        if all(record.cells.get(key.id) == cells[key] for key in keys)
    ]
    if len(found) > 1:
        raise invalid('INVALID_VALUE_FOR_COLUMN', 'Cannot update more than one record')
    return found[0] if found else None


def _add(
    base: StoredBase, ids: IdSequence, table: StoredTable, cells: dict[StoredField, Any]
) -> StoredRecord:
    now = datetime.now().astimezone().isoformat(timespec='milliseconds')
    record = StoredRecord(ids.new('rec'), now)
    table.records[record.id] = record
    write_cells(base, record, cells)
    return record


def _change(
    base: StoredBase,
    table: StoredTable,
    record: StoredRecord,
    cells: dict[StoredField, Any],
    replace: bool,
) -> None:
    if replace:
        write_cells(base, record, dict.fromkeys(table.fields))
    write_cells(base, record, cells)


def _answer(
    table: StoredTable, records: Sequence[StoredRecord], body: Mapping[str, Any]
) -> list[Any]:
    by_id = body.get('returnFieldsByFieldId') is True
    return [record_json(record, table.fields, by_id) for record in records]
