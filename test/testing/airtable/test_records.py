"""Records are read page by page, and written all or none."""

from __future__ import annotations

from pyairtable.api.base import Base as ApiBase
from raw_airtable import NAME, Raw


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
