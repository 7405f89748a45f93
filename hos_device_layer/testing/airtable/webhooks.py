"""Webhooks, which list changes: https://airtable.com/developers/web/api/webhooks-overview."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import Any

from .errors import invalid, not_found
from .ids import IdSequence
from .model import StoredBase, StoredTable

MAX_WEBHOOKS = 10
MAX_PAYLOADS = 50
LIFETIME = timedelta(days=7)

_DATA_TYPES = frozenset({'tableData', 'tableFields', 'tableMetadata'})

# By table id: the name of the table, the names of its columns, the cells of its rows.
_Snapshot = dict[str, tuple[str, dict[str, str], dict[str, dict[str, Any]]]]


class StoredWebhook:
    """The changes since its creation, in payloads that are numbered from 1."""

    def __init__(self, id_: str, body: dict[str, Any]) -> None:
        self.id = id_
        self.notification_url = body.get('notificationUrl')
        self.specification = body['specification']
        self.payloads: list[dict[str, Any]] = []
        self.expires = _now() + LIFETIME

    @property
    def is_enabled(self) -> bool:
        """Whether the webhook has not expired."""
        return _now() < self.expires

    def json(self) -> dict[str, Any]:
        """Return the webhook as Airtable lists it."""
        return {
            'id': self.id,
            'type': 'client',
            'isHookEnabled': self.is_enabled,
            'areNotificationsEnabled': True,
            'notificationUrl': self.notification_url,
            'cursorForNextPayload': len(self.payloads) + 1,
            'lastNotificationResult': None,
            'lastSuccessfulNotificationTime': None,
            'expirationTime': _time(self.expires),
            'specification': self.specification,
        }

    def page(self, cursor: int, limit: int) -> dict[str, Any]:
        """Return payloads from a cursor on; extends the life of the webhook."""
        payloads = self.payloads[cursor - 1 : cursor - 1 + limit]
        if self.is_enabled:
            self.expires = _now() + LIFETIME
        return {
            'payloads': payloads,
            'cursor': cursor + len(payloads),
            'mightHaveMore': cursor + len(payloads) <= len(self.payloads),
        }


class StoredWebhooks:
    """The webhooks of a base."""

    def __init__(self, base: StoredBase, ids: IdSequence) -> None:
        self._base = base
        self._ids = ids
        self._transactions = 0
        self.webhooks: dict[str, StoredWebhook] = {}

    def create(self, body: dict[str, Any]) -> dict[str, Any]:
        """Create a webhook, which records changes from now on."""
        try:
            types = set(body['specification']['options']['filters']['dataTypes'])
        except (KeyError, TypeError):
            types = set()
        if not types or types - _DATA_TYPES:
            raise invalid('INVALID_REQUEST_UNKNOWN', 'Invalid request: dataTypes')
        if len(self.webhooks) >= MAX_WEBHOOKS:
            raise invalid('TOO_MANY_WEBHOOKS', 'The base has as many webhooks as it may')
        webhook = StoredWebhook(self._ids.new('ach'), body)
        self.webhooks[webhook.id] = webhook
        return {
            'id': webhook.id,
            'macSecretBase64': 'bm90IGEgc2VjcmV0',
            'expirationTime': _time(webhook.expires),
        }

    def find(self, id_: str) -> StoredWebhook:
        """Return a webhook; raises AirtableApiError."""
        if id_ not in self.webhooks:
            raise not_found()
        return self.webhooks[id_]

    @contextmanager
    def recording(self, source: str) -> Iterator[None]:
        """Record the changes made within the context; `source` is `client` or `publicApi`."""
        if not self.webhooks:
            yield
            return
        before = _snapshot(self._base)
        yield
        changes = _changes(before, _snapshot(self._base))
        if not changes:
            return
        self._transactions += 1
        payload = {
            'timestamp': _time(_now()),
            'baseTransactionNumber': self._transactions,
            'actionMetadata': {'source': source, 'sourceMetadata': {}},
            'payloadFormat': 'v0',
            **changes,
        }
        for webhook in self.webhooks.values():
            if webhook.is_enabled:
                webhook.payloads.append(payload)


def _snapshot(base: StoredBase) -> _Snapshot:
    return {table.id: _table_snapshot(table) for table in base}


def _table_snapshot(table: StoredTable) -> tuple[str, dict[str, str], dict[str, dict[str, Any]]]:
    return (
        table.name,
        {field.id: field.name for field in table.fields},
        {record.id: dict(record.cells) for record in table.records.values()},
    )


def _changes(before: _Snapshot, after: _Snapshot) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    changed = {}
    for id_, (name, fields, records) in after.items():
        if id_ not in before:
            created = {'metadata': {'name': name}, 'fieldsById': _named(fields)}
            changes.setdefault('createdTablesById', {})[id_] = created
        elif table := _table_changes(before[id_], (name, fields, records)):
            changed[id_] = table
    if changed:
        changes['changedTablesById'] = changed
    if destroyed := sorted(set(before) - set(after)):
        changes['destroyedTableIds'] = destroyed
    return changes


def _table_changes(before: Any, after: Any) -> dict[str, Any]:
    (old_name, old_fields, old_records), (name, fields, records) = before, after
    changes: dict[str, Any] = {}
    if name != old_name:
        changes['changedMetadata'] = {'current': {'name': name}, 'previous': {'name': old_name}}
    changed_fields = _differing(
        old_fields, fields, lambda old, new: {'current': {'name': new}, 'previous': {'name': old}}
    )
    changed_records = _differing(
        old_records,
        records,
        lambda old, new: {
            'current': {
                'cellValuesByFieldId': {
                    field: new.get(field)
                    for field in {*old, *new}
                    if old.get(field) != new.get(field)
                }
            }
        },
    )
    created_records = {
        id_: {'createdTime': _time(_now()), 'cellValuesByFieldId': cells}
        for id_, cells in records.items()
        if id_ not in old_records
    }
    parts = {
        'changedFieldsById': changed_fields,
        'createdFieldsById': _named({f: n for f, n in fields.items() if f not in old_fields}),
        'destroyedFieldIds': sorted(set(old_fields) - set(fields)),
        'changedRecordsById': changed_records,
        'createdRecordsById': created_records,
        'destroyedRecordIds': sorted(set(old_records) - set(records)),
    }
    return {**changes, **{key: part for key, part in parts.items() if part}}


def _named(fields: dict[str, str]) -> dict[str, Any]:
    return {id_: {'name': name} for id_, name in fields.items()}


def _differing(
    old: dict[str, Any], new: dict[str, Any], describe: Callable[[Any, Any], Any]
) -> dict[str, Any]:
    return {
        key: describe(old[key], value)
        for key, value in new.items()
        if key in old and old[key] != value
    }


def _now() -> datetime:
    return datetime.now(timezone.utc)


def _time(time: datetime) -> str:
    return time.isoformat(timespec='milliseconds').replace('+00:00', 'Z')
