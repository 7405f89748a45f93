"""Webhooks list the changes of a base."""

from __future__ import annotations

import pytest
import requests
from pyairtable.api.base import Base as ApiBase
from raw_airtable import NAME

from hos_device_layer.testing.airtable import RunningAirtable


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
