"""Airtable's web API for one base in memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from aiohttp import web

from . import records
from .errors import (
    AirtableApiError,
    monthly_limit,
    not_authenticated,
    not_found,
    not_permitted,
    server_error,
    too_many_requests,
)
from .faults import Fault, InjectedFaults
from .ids import IdSequence
from .model import StoredBase, StoredField, StoredTable
from .rate_limit import RequestRateLimit
from .webhooks import MAX_PAYLOADS, StoredWebhooks

# Longer than the timeout of any client [s].
_SLOW_ANSWER_S = 600.0

# The errors of faults that happen before a request is executed.
_ERRORS_BEFORE = {
    Fault.SERVER_ERROR: server_error,
    Fault.RATE_LIMITED: too_many_requests,
    Fault.MONTHLY_LIMIT: monthly_limit,
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Reply = Callable[[web.Request, Any], Any]
T = TypeVar('T', StoredTable, StoredField)


class AirtableServer:
    """
    One base and its access token; runs in one event loop.

    `calls` are the requests so far, as `GET {base}/devices`; `rate_limit` may be None.
    """

    def __init__(self, api_key: str, base_id: str, rate_limit: RequestRateLimit | None) -> None:
        self.api_key = api_key
        self.base_id = base_id
        self.rate_limit = rate_limit
        self.faults = InjectedFaults()
        self.calls: list[str] = []
        self._ids = IdSequence()
        self.base = StoredBase(self._ids)
        self.webhooks = StoredWebhooks(self.base, self._ids)
        self.pages = records.RecordPages(self._ids)

    def application(self) -> web.Application:
        """Return the aiohttp application of the server."""
        application = web.Application(middlewares=[self._middleware])
        meta, hooks = '/v0/meta/bases/{base}/tables', '/v0/bases/{base}/webhooks'
        rows = '/v0/{base}/{table}'
        for method, path, reply in (
            ('GET', '/v0/meta/whoami', self._whoami),
            ('GET', '/v0/meta/bases', self._bases),
            ('GET', meta, self._schema),
            ('POST', meta, self._create_table),
            ('PATCH', meta + '/{table}', self._change_table),
            ('POST', meta + '/{table}/fields', self._create_field),
            ('PATCH', meta + '/{table}/fields/{field}', self._change_field),
            ('GET', hooks, self._webhooks),
            ('POST', hooks, self._create_webhook),
            ('DELETE', hooks + '/{webhook}', self._delete_webhook),
            ('GET', hooks + '/{webhook}/payloads', self._payloads),
            ('POST', hooks + '/{webhook}/refresh', self._refresh_webhook),
            ('GET', rows, self._list_records),
            ('POST', rows, self._create_records),
            ('PATCH', rows, self._update_records),
            ('PUT', rows, self._update_records),
            ('DELETE', rows, self._delete_records),
            ('GET', rows + '/{record}', self._get_record),
            ('PATCH', rows + '/{record}', self._update_record),
            ('DELETE', rows + '/{record}', self._delete_record),
        ):
            application.router.add_route(method, path, self._handler(reply))
        return application

    # Every request

    @web.middleware
    async def _middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        path = request.path.removeprefix('/v0/').replace(self.base_id, '{base}')
        self.calls.append(f'{request.method} {path}')
        fault = self.faults.take(request.method, path)
        if fault is Fault.EXPIRED_PAGES:
            self.pages.expire()
        if fault is Fault.NO_JSON:
            return web.Response(text='<html>Please log in</html>', content_type='text/html')
        try:
            self._admit(request)
            if fault in _ERRORS_BEFORE:
                raise _ERRORS_BEFORE[fault]()
            with self.webhooks.recording('publicApi'):
                response = await handler(request)
        except AirtableApiError as error:
            return web.json_response(error.body, status=error.status)
        except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
            return web.json_response(not_found().body, status=404)
        if fault is Fault.SERVER_ERROR_AFTER:
            return web.json_response(server_error().body, status=500)
        if fault is Fault.SLOW:
            await asyncio.sleep(_SLOW_ANSWER_S)
        if fault is Fault.LOST_ANSWER and request.transport is not None:
            request.transport.abort()
        return response

    def _admit(self, request: web.Request) -> None:
        if request.headers.get('Authorization') != f'Bearer {self.api_key}':
            raise not_authenticated()
        base = request.match_info.get('base')
        if base is not None and base != self.base_id:
            raise not_permitted() if request.path.startswith('/v0/meta/') else not_found()
        if self.rate_limit is not None:
            self.rate_limit.admit()

    def _handler(self, reply: Reply) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            body: Any = None
            if request.can_read_body:
                try:
                    body = await request.json()
                except json.JSONDecodeError:
                    raise AirtableApiError(400, 'INVALID_JSON') from None
            return web.json_response(reply(request, body))

        return handle

    def _table(self, request: web.Request) -> StoredTable:
        return self.base.table(request.match_info['table'])

    # Schema

    def _whoami(self, _request: web.Request, _body: Any) -> Any:
        return {'id': 'usr' + '0' * 14}

    def _bases(self, _request: web.Request, _body: Any) -> Any:
        base = {'id': self.base_id, 'name': 'A base', 'permissionLevel': 'create'}
        return {'bases': [base]}

    def _schema(self, _request: web.Request, _body: Any) -> Any:
        return {'tables': [table.schema() for table in self.base]}

    def _create_table(self, _request: web.Request, body: Any) -> Any:
        table = self.base.create_table(
            body.get('name'), str(body.get('description') or ''), body.get('fields')
        )
        return table.schema()

    def _change_table(self, request: web.Request, body: Any) -> Any:
        return _renamed(self._table(request), body).schema()

    def _create_field(self, request: web.Request, body: Any) -> Any:
        return self.base.create_field(self._table(request), body).schema()

    def _change_field(self, request: web.Request, body: Any) -> Any:
        return _renamed(self._table(request).field(request.match_info['field']), body).schema()

    # Records

    def _list_records(self, request: web.Request, _body: Any) -> Any:
        return self.pages.list_page(self._table(request), request.query)

    def _create_records(self, request: web.Request, body: Any) -> Any:
        if 'records' in body:
            return records.create(self.base, self._ids, self._table(request), body)
        one = {**body, 'records': [body]}
        return records.create(self.base, self._ids, self._table(request), one)['records'][0]

    def _update_records(self, request: web.Request, body: Any) -> Any:
        replace = request.method == 'PUT'
        return records.update(self.base, self._ids, self._table(request), body, replace)

    def _delete_records(self, request: web.Request, _body: Any) -> Any:
        return records.delete(
            self.base, self._table(request), request.query.getall('records[]', [])
        )

    def _get_record(self, request: web.Request, _body: Any) -> Any:
        table = self._table(request)
        record = records.find_record(table, request.match_info['record'])
        return records.record_json(record, table.fields, by_id=False)

    def _update_record(self, request: web.Request, body: Any) -> Any:
        table = self._table(request)
        record = records.find_record(table, request.match_info['record'])
        one = {**body, 'records': [{**body, 'id': record.id}]}
        return records.update(self.base, self._ids, table, one, replace=False)['records'][0]

    def _delete_record(self, request: web.Request, _body: Any) -> Any:
        table = self._table(request)
        record = records.find_record(table, request.match_info['record'])
        return records.delete(self.base, table, [record.id])['records'][0]

    # Webhooks

    def _webhooks(self, _request: web.Request, _body: Any) -> Any:
        return {'webhooks': [webhook.json() for webhook in self.webhooks.webhooks.values()]}

    def _create_webhook(self, _request: web.Request, body: Any) -> Any:
        return self.webhooks.create(body)

    def _delete_webhook(self, request: web.Request, _body: Any) -> Any:
        del self.webhooks.webhooks[self.webhooks.find(request.match_info['webhook']).id]
        return {}

    def _payloads(self, request: web.Request, _body: Any) -> Any:
        webhook = self.webhooks.find(request.match_info['webhook'])
        limit = min(int(request.query.get('limit', MAX_PAYLOADS)), MAX_PAYLOADS)
        return webhook.page(int(request.query.get('cursor', 1)), limit)

    def _refresh_webhook(self, request: web.Request, _body: Any) -> Any:
        webhook = self.webhooks.find(request.match_info['webhook'])
        webhook.page(1, 0)
        return {'expirationTime': webhook.json()['expirationTime']}


def _renamed(part: T, body: Any) -> T:
    part.name = str(body.get('name', part.name))
    part.description = str(body.get('description', part.description))
    return part
