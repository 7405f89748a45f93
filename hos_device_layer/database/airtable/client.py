"""An Airtable base over the network; every failure raises DatabaseError."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec

from ...core.errors import DatabaseError
from .base_schema import BaseRecord, FieldSchema, TableSchema
from .credentials import Credentials
from .rate_limiter import RateLimiter
from .requests import AirtableRequests, RejectedError

AIRTABLE_URL = 'https://api.airtable.com'

# https://airtable.com/developers/web/api/update-multiple-records
MAX_RECORDS_PER_REQUEST = 10

# https://airtable.com/developers/web/api/list-records
PAGE_SIZE = 100

_EXPIRED_PAGES = 'LIST_RECORDS_ITERATOR_NOT_AVAILABLE'

# How often a table is read from the start again because Airtable lost its place in the pages.
_READ_ATTEMPTS = 3

T = TypeVar('T')


class WebhookPayloads(NamedTuple):
    """How many changes a webhook recorded since a cursor, and the cursor to continue from."""

    changes: int
    cursor: int
    has_more: bool


class Webhook(msgspec.Struct, frozen=True, rename='camel'):
    """A webhook of the base; Airtable keeps a list of changes for it."""

    id: str
    cursor_for_next_payload: int
    is_hook_enabled: bool


class Airtable:
    """One base. Not for several threads at once."""

    def __init__(
        self, credentials: Credentials, limiter: RateLimiter, endpoint_url: str = AIRTABLE_URL
    ) -> None:
        self._requests = AirtableRequests(credentials, limiter, endpoint_url)

    # Reading

    def schema(self) -> tuple[TableSchema, ...]:
        """Return the tables of the base and their columns, with one call."""
        answer = self._requests.read('meta/bases/{base}/tables')
        return _converted(answer, 'tables', tuple[TableSchema, ...])

    def records(self, table: TableSchema, fields: Iterable[FieldSchema]) -> list[BaseRecord]:
        """Return every row of a table with these columns, with one call per 100 rows."""
        options = {
            'page_size': PAGE_SIZE,
            'use_field_ids': True,
            'fields': [field.id for field in fields],
        }
        path = f'{{base}}/{table.id}'
        for attempt in range(1, _READ_ATTEMPTS + 1):
            try:
                return self._pages(path, options)
            except RejectedError as error:
                # The pages read so far may not fit the others, so all of them are read again.
                if error.type != _EXPIRED_PAGES or attempt == _READ_ATTEMPTS:
                    raise
        raise AssertionError('unreachable: the last attempt returns or raises')

    def _pages(self, path: str, options: dict[str, Any]) -> list[BaseRecord]:
        records: list[BaseRecord] = []
        offset: dict[str, Any] = {}
        while True:
            answer = self._requests.read(path, {**options, **offset})
            records += _records(answer)
            if not answer.get('offset'):
                return records
            offset = {'offset': answer['offset']}

    # Writing: what adds something raises LostAnswerError if it is unknown whether it was added.

    def create_table(self, name: str, description: str, fields: Sequence[object]) -> TableSchema:
        """Create a table; the first of `fields` names its rows."""
        path = 'meta/bases/{base}/tables'
        body = {'name': name, 'description': description, 'fields': fields}
        return _converted(self._requests.add('post', path, body), None, TableSchema)

    def create_field(self, table_id: str, field: object) -> FieldSchema:
        """Add a column to a table."""
        path = f'meta/bases/{{base}}/tables/{table_id}/fields'
        return _converted(self._requests.add('post', path, field), None, FieldSchema)

    def create_records(
        self, table_id: str, cells: Sequence[Mapping[str, object]], merge_on: Sequence[str] = ()
    ) -> list[BaseRecord]:
        """
        Add at most ten rows, given by column id.

        A row that has the same cells in the columns `merge_on` is changed instead.
        """
        body: dict[str, Any] = {
            'records': [{'fields': row} for row in cells],
            'typecast': True,  # Adds missing choices to a selection.
            'returnFieldsByFieldId': True,
        }
        if merge_on:
            body['performUpsert'] = {'fieldsToMergeOn': list(merge_on)}
        method = 'patch' if merge_on else 'post'
        return _records(self._requests.add(method, f'{{base}}/{table_id}', body))

    def update_records(
        self, table_id: str, cells: Mapping[str, Mapping[str, object]]
    ) -> list[BaseRecord]:
        """Change cells of at most ten rows, given by record id, then column id."""
        body = {
            'records': [{'id': record_id, 'fields': row} for record_id, row in cells.items()],
            'typecast': True,
            'returnFieldsByFieldId': True,
        }
        # Writing the same cells twice has the same effect as once, so it may be repeated.
        return _records(self._requests.change(f'{{base}}/{table_id}', body))

    # Webhooks

    def webhooks(self) -> tuple[Webhook, ...]:
        """Return the base's webhooks."""
        answer = self._requests.read('bases/{base}/webhooks')
        return _converted(answer, 'webhooks', tuple[Webhook, ...])

    def create_webhook(self) -> str:
        """Make Airtable record every change of the base for a week; returns the webhook's id."""
        filters = {'dataTypes': ['tableData', 'tableFields', 'tableMetadata']}
        body = {'specification': {'options': {'filters': filters}}}
        answer = self._requests.add('post', 'bases/{base}/webhooks', body)
        return _converted(answer, 'id', str)

    def payloads(self, webhook_id: str, cursor: int) -> WebhookPayloads:
        """Return what was recorded since a cursor; this keeps the webhook for another week."""
        path = f'bases/{{base}}/webhooks/{webhook_id}/payloads'
        answer = self._requests.read(path, {'cursor': cursor})
        return WebhookPayloads(
            len(_converted(answer, 'payloads', list[object])),
            _converted(answer, 'cursor', int),
            bool(answer.get('mightHaveMore')),
        )


def _records(answer: Any) -> list[BaseRecord]:
    return list(_converted(answer, 'records', tuple[BaseRecord, ...]))


def _converted(answer: Any, key: str | None, form: type[T]) -> T:
    try:
        return msgspec.convert(answer if key is None else answer.get(key), form)
    except msgspec.ValidationError as error:
        raise DatabaseError(
            f'unexpected answer from Airtable ({error}); check that AIRTABLE_ENDPOINT_URL, if '
            'set, is an Airtable server'
        ) from None
