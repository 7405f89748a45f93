"""The Airtable of `hos_device_layer.testing`, as pyairtable and raw requests see it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from project import ROOT
from pyairtable import Api
from pyairtable.api.base import Base as ApiBase

from hos_device_layer.testing.airtable import RequestRateLimit, RunningAirtable, running_airtable

NAME = {'name': 'Name', 'type': 'singleLineText'}


@pytest.fixture
def server() -> Iterator[RunningAirtable]:
    with running_airtable() as server:
        yield server


@pytest.fixture
def base(server: RunningAirtable) -> ApiBase:
    environment = server.environment
    api = Api(environment['AIRTABLE_API_KEY'], endpoint_url=server.url, retry_strategy=None)
    return api.base(environment['AIRTABLE_BASE_ID'])


class Raw:
    """Requests without any client, for what a client would not send."""

    def __init__(self, server: RunningAirtable) -> None:
        self.server = server
        self.base_id = server.environment['AIRTABLE_BASE_ID']
        self.headers = {'Authorization': f'Bearer {server.environment["AIRTABLE_API_KEY"]}'}

    def __call__(self, method: str, path: str, **content: Any) -> tuple[int, Any]:
        url = f'{self.server.url}/v0/{path}'.replace('BASE', self.base_id)
        answer = requests.request(
            method, url, **{'headers': self.headers, 'timeout': 10, **content}
        )
        return answer.status_code, answer.json()


@pytest.fixture
def raw(server: RunningAirtable) -> Raw:
    return Raw(server)


def test_records_by_table_name_and_id(base: ApiBase) -> None:
    table = base.create_table('Some things', [NAME])
    record = table.create({'Name': 'one'})
    for name in ('Some things', table.id):
        assert base.table(name).all() == [record]
        assert base.table(name).get(record['id']) == record
    assert base.table('Some things').all(use_field_ids=True)[0]['fields'] == {
        base.schema().table('Some things').fields[0].id: 'one'
    }


def test_pages_follow_opaque_offsets(base: ApiBase, raw: Raw) -> None:
    table = base.create_table('Things', [NAME])
    table.batch_create({'Name': str(number)} for number in range(205))
    sizes = [len(page) for page in table.iterate()]
    assert sizes == [100, 100, 5]
    _, page = raw('GET', 'BASE/Things?pageSize=3')
    assert len(page['records']) == 3
    assert page['offset'].startswith('itr')
    assert raw('GET', 'BASE/Things?offset=nonsense')[1]['error']['type'] == 'INVALID_OFFSET_VALUE'
    status, body = raw('GET', 'BASE/Things?offset=itrUnknown/recUnknown')
    assert (status, body) == (422, {'error': {'type': 'LIST_RECORDS_ITERATOR_NOT_AVAILABLE'}})


def test_empty_cells_are_absent(base: ApiBase) -> None:
    checkbox = {
        'name': 'Done',
        'type': 'checkbox',
        'options': {'icon': 'check', 'color': 'greenBright'},
    }
    table = base.create_table('Things', [NAME, checkbox])
    table.create({'Name': 'one', 'Done': False})
    table.create({'Name': '', 'Done': True})
    assert [record['fields'] for record in table.all()] == [{'Name': 'one'}, {'Done': True}]
    first = table.all()[0]
    table.update(first['id'], {'Name': None})
    assert table.get(first['id'])['fields'] == {}


@pytest.fixture
def linked(base: ApiBase) -> tuple[Any, Any]:
    parents, children = base.create_table('Parents', [NAME]), base.create_table('Children', [NAME])
    parents.create_field('Kids', 'multipleRecordLinks', options={'linkedTableId': children.id})
    return parents, children


def test_links_are_kept_on_both_sides(base: ApiBase, linked: tuple[Any, Any]) -> None:
    parents, children = linked
    child, other = children.create({'Name': 'c'}), children.create({'Name': 'd'})
    parent = parents.create({'Name': 'p', 'Kids': [child['id'], other['id']]})
    assert children.get(child['id'])['fields'] == {'Name': 'c', 'Parents': [parent['id']]}
    children.update(other['id'], {'Parents': []})
    assert parents.get(parent['id'])['fields']['Kids'] == [child['id']]
    children.delete(child['id'])
    assert parents.get(parent['id'])['fields'] == {'Name': 'p'}


def test_the_schema_shows_both_sides_of_a_link(base: ApiBase, linked: tuple[Any, Any]) -> None:
    schema = base.schema(force=True)
    kids = schema.table('Parents').field('Kids')
    inverse = schema.table('Children').field('Parents')
    assert kids.options.inverse_link_field_id == inverse.id
    assert inverse.options.linked_table_id == schema.table('Parents').id
    assert schema.table('Parents').primary_field_id == schema.table('Parents').fields[0].id


def test_upsert_adds_only_what_does_not_match(base: ApiBase) -> None:
    table = base.create_table('Things', [NAME])
    first = table.create({'Name': 'one'})
    rows = [{'fields': {'Name': 'one'}}, {'fields': {'Name': 'two'}}]
    result = table.batch_upsert(rows, key_fields=['Name'])
    assert result['updatedRecords'] == [first['id']]
    assert len(result['createdRecords']) == 1
    assert [record['fields']['Name'] for record in table.all()] == ['one', 'two']


def test_a_bad_record_in_a_batch_leaves_the_others_out(base: ApiBase, raw: Raw) -> None:
    table = base.create_table('Things', [NAME])
    records = [{'fields': {'Name': 'good'}}, {'fields': {'Name': 5}}]
    status, body = raw('POST', 'BASE/Things', json={'records': records})
    assert (status, body['error']['type']) == (422, 'INVALID_VALUE_FOR_COLUMN')
    assert table.all() == []


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


def test_who_asks_too_often_is_locked_out_for_half_a_minute() -> None:
    now = [0.0]
    limit = RequestRateLimit(clock=lambda: now[0])
    with running_airtable(limit) as server:
        raw = Raw(server)
        statuses = [raw('GET', 'meta/bases/BASE/tables')[0] for _ in range(6)]
        assert statuses == [200] * 5 + [429]
        for moment, status in ((29.9, 429), (30.1, 200)):
            now[0] = moment
            assert raw('GET', 'meta/bases/BASE/tables')[0] == status


def test_five_requests_a_second_are_answered_on_and_on() -> None:
    now = [0.0]
    with running_airtable(RequestRateLimit(clock=lambda: now[0])) as server:
        raw = Raw(server)
        for _ in range(20):
            now[0] += 0.21
            assert raw('GET', 'meta/bases/BASE/tables')[0] == 200


def test_webhooks_note_changes_with_cursors(server: RunningAirtable, base: ApiBase) -> None:
    table = base.create_table('Things', [NAME])
    webhook_id = base.add_webhook(
        'https://example.com', {'options': {'filters': {'dataTypes': ['tableData']}}}
    ).id
    record = table.create({'Name': 'one'})
    server.set_cell('Things', 'one', 'Name', 'two')
    table.delete(record['id'])

    webhook = base.webhook(webhook_id)
    created, changed, destroyed = webhook.payloads()
    assert created.changed_tables_by_id[table.id].created_records_by_id.keys() == {record['id']}
    assert changed.action_metadata.source == 'client'
    (cells,) = (
        change.current.cell_values_by_field_id
        for change in changed.changed_tables_by_id[table.id].changed_records_by_id.values()
    )
    assert list(cells.values()) == ['two']
    assert destroyed.changed_tables_by_id[table.id].destroyed_record_ids == [record['id']]
    assert webhook.cursor_for_next_payload == 4
    assert [payload.cursor for payload in webhook.payloads(cursor=3)] == [3]
    webhook.delete()
    assert base.webhooks() == []


def test_a_base_has_ten_webhooks_at_most(base: ApiBase) -> None:
    specification = {'options': {'filters': {'dataTypes': ['tableData']}}}
    for _ in range(10):
        base.add_webhook('https://example.com', specification)
    with pytest.raises(requests.HTTPError, match='422'):
        base.add_webhook('https://example.com', specification)


def test_calls_are_counted(server: RunningAirtable, base: ApiBase) -> None:
    base.schema()
    assert server.take_calls() == ['GET meta/bases/{base}/tables']
    assert server.take_calls() == []


def test_it_runs_in_a_terminal() -> None:
    process = subprocess.Popen(
        [sys.executable, '-m', 'hos_device_layer.testing.airtable', '--rate-limit'],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ,
    )
    assert process.stdout is not None
    with process.stdout:
        lines = [process.stdout.readline() for _ in range(4)]
        environment = dict(line.removeprefix('export ').strip().split('=') for line in lines[:3])
        answer = requests.get(
            f'{environment["AIRTABLE_ENDPOINT_URL"]}/v0/meta/bases/'
            f'{environment["AIRTABLE_BASE_ID"]}/tables',
            headers={'Authorization': f'Bearer {environment["AIRTABLE_API_KEY"]}'},
            timeout=10,
        )
        assert answer.json() == {'tables': []}
        process.terminate()
        assert process.wait(10) == 0
