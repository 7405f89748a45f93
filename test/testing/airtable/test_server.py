"""Errors are those of Airtable, and requests are counted."""

from __future__ import annotations

from typing import Any

import pytest
from pyairtable.api.base import Base as ApiBase
from raw_airtable import NAME, Raw

from hos_device_layer.testing.airtable import RunningAirtable

RECORD = {'fields': {'Name': 'x'}}
UNKNOWN = 'rec00000000000000'


@pytest.mark.parametrize(
    ('method', 'path', 'body', 'status', 'error'),
    [
        ('GET', 'appOther/Things', None, 404, 'NOT_FOUND'),
        ('GET', 'meta/bases/appOther/tables', None, 403, 'INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND'),
        ('GET', 'BASE/Nothing', None, 403, 'INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND'),
        ('GET', f'BASE/Things/{UNKNOWN}', None, 403, 'INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND'),
        ('GET', 'no/such/address/at/all', None, 404, 'NOT_FOUND'),
        ('GET', 'BASE/Things?fields[]=Nothing', None, 422, 'UNKNOWN_FIELD_NAME'),
        ('GET', 'BASE/Things?pageSize=101', None, 422, 'INVALID_PAGE_SIZE_ARGUMENT'),
        ('POST', 'BASE/Things', {'records': [RECORD] * 11}, 422, 'INVALID_REQUEST_UNKNOWN'),
        ('POST', 'BASE/Things', {'records': [{}]}, 422, 'INVALID_REQUEST_MISSING_FIELDS'),
        ('POST', 'BASE/Things', {'fields': {'Other': 1}}, 422, 'UNKNOWN_FIELD_NAME'),
        ('POST', 'BASE/Things', {'fields': {'Link': ['x']}}, 422, 'INVALID_RECORD_ID'),
        ('POST', 'BASE/Things', {'fields': {'Link': [UNKNOWN]}}, 422, 'ROW_DOES_NOT_EXIST'),
        (
            'POST',
            'BASE/Things',
            {'fields': {'Kind': 'new'}},
            422,
            'INVALID_MULTIPLE_CHOICE_OPTIONS',
        ),
        (
            'PATCH',
            'BASE/Things',
            {'records': [{'id': UNKNOWN, 'fields': {}}]},
            422,
            'ROW_DOES_NOT_EXIST',
        ),
        (
            'POST',
            'meta/bases/BASE/tables/Things/fields',
            {'name': 'NAME', 'type': 'singleLineText'},
            422,
            'DUPLICATE_OR_EMPTY_FIELD_NAME',
        ),
        (
            'POST',
            'meta/bases/BASE/tables/Things/fields',
            {'name': 'Sum', 'type': 'formula'},
            422,
            'UNSUPPORTED_FIELD_TYPE_FOR_CREATE',
        ),
        (
            'POST',
            'meta/bases/BASE/tables/Things/fields',
            {'name': 'N', 'type': 'number'},
            422,
            'INVALID_FIELD_TYPE_OPTIONS_FOR_CREATE',
        ),
        (
            'POST',
            'meta/bases/BASE/tables',
            {'name': 'Things', 'fields': [NAME]},
            422,
            'DUPLICATE_TABLE_NAME',
        ),
        ('POST', 'bases/BASE/webhooks', {'specification': {}}, 422, 'INVALID_REQUEST_UNKNOWN'),
        ('GET', 'bases/BASE/webhooks/achUnknown/payloads', None, 404, 'NOT_FOUND'),
    ],
)
def test_errors_are_airtables(
    base: ApiBase, raw: Raw, method: str, path: str, body: Any, status: int, error: str
) -> None:
    kind = {'name': 'Kind', 'type': 'singleSelect', 'options': {'choices': [{'name': 'old'}]}}
    table = base.create_table('Things', [NAME, kind])
    table.create_field('Link', 'multipleRecordLinks', options={'linkedTableId': table.id})
    got, answer = raw(method, path, json=body) if body else raw(method, path)
    found = answer['error']['type'] if isinstance(answer['error'], dict) else answer['error']
    assert (got, found) == (status, error)


def test_a_wrong_token_opens_nothing(raw: Raw) -> None:
    raw.headers = {'Authorization': 'Bearer patWrong'}
    status, body = raw('GET', 'BASE/Things')
    assert (status, body['error']['type']) == (401, 'AUTHENTICATION_REQUIRED')


def test_calls_are_counted(server: RunningAirtable, base: ApiBase) -> None:
    base.schema()
    assert server.take_calls() == ['GET meta/bases/{base}/tables']
    assert server.take_calls() == []
