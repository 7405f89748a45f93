"""An Airtable base over the network; what goes wrong raises DatabaseError."""

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

# How often the reading of a table begins again because Airtable forgot where it was.
_READ_ATTEMPTS = 3

T = TypeVar('T')


class Payloads(NamedTuple):
    """How many changes a webhook noted since a cursor, and the cursor to go on from."""

    changes: int
    cursor: int
    has_more: bool


class Webhook(msgspec.Struct, frozen=True, rename='camel'):
    """A list of changes that Airtable keeps for us."""

    id: str
    cursor_for_next_payload: int
    is_hook_enabled: bool


class Airtable:
    """One base. Not for several threads at once."""

    def __init__(
        self, credentials: Credentials, pacer: RateLimiter, endpoint_url: str = AIRTABLE_URL
    ) -> None:
        self._requests = AirtableRequests(credentials, pacer, endpoint_url)

    # Reading

    def schema(self) -> tuple[TableSchema, ...]:
        """Return the base's tables and their columns, with one call."""
        answer = self._requests.read('meta/bases/{base}/tables')
        return _understood(answer, 'tables', tuple[TableSchema, ...])

    def records(self, table: TableSchema, fields: Iterable[FieldSchema]) -> list[BaseRecord]:
        """Return every row of a table with these columns, with one call for each 100 rows."""
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
                # The pages read so far may not fit the rest: all of them are read again.
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

    # Writing: what adds something raises LostAnswerError where it is unknown whether it was done.

    def create_table(self, name: str, description: str, fields: Sequence[object]) -> TableSchema:
        """Create a table; the first of `fields` is the one that names its rows."""
        path = 'meta/bases/{base}/tables'
        body = {'name': name, 'description': description, 'fields': fields}
        return _understood(self._requests.add('post', path, body), None, TableSchema)

    def create_field(self, table_id: str, field: object) -> FieldSchema:
        """Add a column to a table."""
        path = f'meta/bases/{{base}}/tables/{table_id}/fields'
        return _understood(self._requests.add('post', path, field), None, FieldSchema)

    def create_records(
        self, table_id: str, cells: Sequence[Mapping[str, object]], merge_on: Sequence[str] = ()
    ) -> list[BaseRecord]:
        """
        Add at most ten rows, given by column id.

        Where a row has the same cells in the columns `merge_on`, it is changed instead.
        """
        body: dict[str, Any] = {
            'records': [{'fields': row} for row in cells],
            'typecast': True,  # Adds what is missing to the choices of a selection.
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
        # The same cells twice are the same cells, so no answer of this one can be lost.
        return _records(self._requests.change(f'{{base}}/{table_id}', body))

    # Webhooks

    def webhooks(self) -> tuple[Webhook, ...]:
        """Return the base's webhooks."""
        answer = self._requests.read('bases/{base}/webhooks')
        return _understood(answer, 'webhooks', tuple[Webhook, ...])

    def create_webhook(self) -> str:
        """Have Airtable note every change of the base for a week; returns the webhook's id."""
        filters = {'dataTypes': ['tableData', 'tableFields', 'tableMetadata']}
        body = {'specification': {'options': {'filters': filters}}}
        answer = self._requests.add('post', 'bases/{base}/webhooks', body)
        return _understood(answer, 'id', str)

    def payloads(self, webhook_id: str, cursor: int) -> Payloads:
        """Return how much was noted from a cursor on; asking keeps the webhook for a week more."""
        path = f'bases/{{base}}/webhooks/{webhook_id}/payloads'
        answer = self._requests.read(path, {'cursor': cursor})
        return Payloads(
            len(_understood(answer, 'payloads', list[object])),
            _understood(answer, 'cursor', int),
            bool(answer.get('mightHaveMore')),
        )


def _records(answer: Any) -> list[BaseRecord]:
    return list(_understood(answer, 'records', tuple[BaseRecord, ...]))


def _understood(answer: Any, key: str | None, form: type[T]) -> T:
    try:
        return msgspec.convert(answer if key is None else answer.get(key), form)
    except msgspec.ValidationError as error:
        raise DatabaseError(
            f'what Airtable sent is not understood ({error}); is this an Airtable server?'
        ) from None
