"""Runs the server on a thread of its own, for tests and experiments."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TypeVar

from aiohttp import web

from .faults import InjectedFaults
from .model import StoredBase, StoredRecord, StoredTable
from .rate_limit import RequestRateLimit
from .server import AirtableServer

API_KEY = 'patLoopbackAirtable.0123456789abcdef'
BASE_ID = 'appLoopback000001'

# The longest time for starting, stopping and editing [s].
_TIMEOUT_S = 30.0

T = TypeVar('T')


class RunningAirtable:
    """A running fake Airtable, as tests use it."""

    def __init__(
        self,
        server: AirtableServer,
        loop: asyncio.AbstractEventLoop,
        url: str,
        stopping: asyncio.Event,
    ) -> None:
        self.url = url
        self._server = server
        self._loop = loop
        self._stopping = stopping

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that make the device layer use this server and its base."""
        return {
            'AIRTABLE_API_KEY': self._server.api_key,
            'AIRTABLE_BASE_ID': self._server.base_id,
            'AIRTABLE_ENDPOINT_URL': self.url,
        }

    @property
    def faults(self) -> InjectedFaults:
        """The faults to inject."""
        return self._server.faults

    def edit(self, change: Callable[[StoredBase], T]) -> T:
        """Change the base as a user of the web page does; returns what `change` returns."""

        async def edit() -> T:
            with self._server.webhooks.recording('client'):
                return change(self._server.base)

        return asyncio.run_coroutine_threadsafe(edit(), self._loop).result(_TIMEOUT_S)

    def set_cell(self, table: str, row: str, column: str, cell: object) -> None:
        """Set a cell; `row` is the value of the first column in its row."""

        def change(base: StoredBase) -> None:
            found = base.table(table)
            field = found.field(column)
            record = find_row(found, row)
            if field.options and 'linkedTableId' in field.options:
                linked, _ = base.linked(field)
                assert isinstance(cell, list)
                base.set_link(record, field, [find_row(linked, name).id for name in cell])
            elif cell in (None, '', False):
                record.cells.pop(field.id, None)
            else:
                record.cells[field.id] = cell

        self.edit(change)

    def delete_webhooks(self) -> None:
        """Delete all webhooks, as Airtable does when they have expired."""

        def delete(_base: StoredBase) -> None:
            self._server.webhooks.webhooks.clear()

        self.edit(delete)

    def stop(self) -> None:
        """Stop the server."""
        self._loop.call_soon_threadsafe(self._stopping.set)

    def take_calls(self) -> list[str]:
        """Return the requests since the last call of this method, as `GET {base}/{table}`."""
        calls = list(self._server.calls)
        self._server.calls.clear()
        return calls


def find_row(table: StoredTable, name: str) -> StoredRecord:
    """Return the row with this value in its first column; raises KeyError."""
    for record in table.records.values():
        if record.cells.get(table.fields[0].id) == name:
            return record
    raise KeyError(name)


@contextmanager
def running_airtable(
    rate_limit: RequestRateLimit | None = None, port: int = 0
) -> Iterator[RunningAirtable]:
    """Run a server with an empty base within the context; port 0 means any free port."""
    server = AirtableServer(API_KEY, BASE_ID, rate_limit)
    started: Future[RunningAirtable] = Future()
    thread = threading.Thread(
        target=lambda: asyncio.run(_serve(server, port, started)), name='airtable', daemon=True
    )
    thread.start()
    running = started.result(_TIMEOUT_S)
    try:
        yield running
    finally:
        running.stop()
        thread.join(_TIMEOUT_S)


async def _serve(server: AirtableServer, port: int, started: Future[RunningAirtable]) -> None:
    stopping = asyncio.Event()
    runner = web.AppRunner(server.application(), access_log=None, shutdown_timeout=0.1)
    try:
        await runner.setup()
        await web.TCPSite(runner, '127.0.0.1', port).start()
        host, bound = runner.addresses[0][:2]
        url = f'http://{host}:{bound}'
        started.set_result(RunningAirtable(server, asyncio.get_running_loop(), url, stopping))
        await stopping.wait()
    except OSError as error:
        started.set_exception(error)
    finally:
        await runner.cleanup()
