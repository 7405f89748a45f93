"""The end of a session: cut, closed by the gateway, or stopped by the program."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from gateway_clients import pool
from manager_double import WAIT_S
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from hos_client import AuthenticationError, Message
from hos_client.aio import Client
from hos_client.backoff import Backoff
from hos_device_layer.core.rosbridge.close_reasons import WRONG_TOKEN

# Called with each frame; returns whether it has answered it.
Misbehave = Callable[[ServerConnection, dict[str, Any]], Awaitable[bool]]


class OddGateway:
    """A gateway that answers what it must, except where it misbehaves."""

    def __init__(self, misbehave: Misbehave) -> None:
        self._misbehave = misbehave
        self.sockets: list[ServerConnection] = []
        self.closed: asyncio.Queue[int | None] = asyncio.Queue()

    async def serve(self, socket: ServerConnection) -> None:
        self.sockets.append(socket)
        try:
            async for text in socket:
                frame = msgspec.json.decode(text)
                if not await self._misbehave(socket, frame):
                    await self._answer(socket, frame)
        except ConnectionClosed:
            pass
        self.closed.put_nowait(socket.close_code)

    async def _answer(self, socket: ServerConnection, frame: dict[str, Any]) -> None:
        if frame['op'] in ('sync', 'confirm'):
            await answer(socket, frame, frame['op'])
        elif frame['op'] == 'call_service':
            values = {'success': True, 'error': ''}
            await answer(
                socket,
                frame,
                'service_response',
                service=frame['service'],
                values=values,
                result=True,
            )


async def answer(socket: ServerConnection, frame: dict[str, Any], op: str, **rest: Any) -> bool:
    await socket.send(msgspec.json.encode({'op': op, 'id': frame['id'], **rest}).decode())
    return True


async def behave(_socket: ServerConnection, _frame: dict[str, Any]) -> bool:
    return False


def add_headers(_socket: ServerConnection, _request: Request, response: Response) -> None:
    response.headers['Hos-Max-Frame-Bytes'] = '262144'


@asynccontextmanager
async def client_of(
    misbehave: Misbehave = behave, **options: Any
) -> AsyncIterator[tuple[Client, OddGateway]]:
    gateway = OddGateway(misbehave)
    server: Server
    async with serve(
        gateway.serve, '127.0.0.1', 0, process_response=add_headers, close_timeout=0.1
    ) as server:
        port = server.sockets[0].getsockname()[1]
        options.setdefault('backoff', Backoff(0.02, 0.1))
        async with Client(pool(), f'ws://127.0.0.1:{port}', **options) as client:
            assert await client.wait_until_connected(WAIT_S)
            yield client, gateway


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        await asyncio.wait_for(scenario(), WAIT_S)

    asyncio.run(limited())


def test_a_stop_closes_the_connection_normally() -> None:
    async def scenario() -> None:
        async with client_of() as (client, gateway):
            await client.stop()
            assert await gateway.closed.get() == 1000

    run(scenario)


def test_a_stop_does_not_wait_for_a_gateway_that_does_not_read() -> None:
    async def scenario() -> None:
        is_over = asyncio.Event()

        async def read_no_more(_socket: ServerConnection, frame: dict[str, Any]) -> bool:
            if frame['op'] == 'publish' and 'stream' in frame['topic']:
                await is_over.wait()
            return False

        async with client_of(read_no_more) as (client, _):
            large = ('H4001', 's', 'x' * 200_000)
            late = [asyncio.ensure_future(client.event(*large, timeout=None)) for _ in range(100)]
            await asyncio.wait(late, timeout=0.2)
            started = time.monotonic()
            await client.stop()
            assert time.monotonic() - started < 4
            assert {message.status for message in await asyncio.gather(*late)} == {503}
            is_over.set()

    run(scenario)


@pytest.mark.parametrize('op', ['status', 'service_response', 'sync'])
def test_a_refused_confirmation_is_reported(caplog: pytest.LogCaptureFixture, op: str) -> None:
    async def refuse(socket: ServerConnection, frame: dict[str, Any]) -> bool:
        if frame['op'] != 'confirm':
            return False
        rest = {'level': 'error', 'msg': 'no'} if op == 'status' else {}
        if op == 'service_response':
            rest = {'service': 'x', 'values': {}, 'result': True}
        return await answer(socket, frame, op, **rest)

    async def scenario() -> None:
        async with client_of(refuse) as (client, _):
            assert (await client.event('H4001', 's', 'V1')).status == 503
            assert (await client.disconnect('H4001')).status in (403, 503)
            late = asyncio.ensure_future(client.event('H4001', 's', 'V1', confirm=True))
            await asyncio.wait({late}, timeout=0.05)
            await client.stop()
            assert (await late).status == 503

    run(scenario)
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize('op', ['sync', 'call_service'])
def test_an_answer_of_the_wrong_kind_is_a_refusal(
    caplog: pytest.LogCaptureFixture, op: str
) -> None:
    async def answer_wrongly(socket: ServerConnection, frame: dict[str, Any]) -> bool:
        return frame['op'] == op and await answer(socket, frame, 'confirm')

    async def scenario() -> None:
        async with client_of(answer_wrongly) as (client, _):
            assert client.is_connected

    run(scenario)
    assert 'got Confirm' in caplog.text
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize('how', ['cut', 'replaced'])
def test_a_lost_connection_is_called_so(caplog: pytest.LogCaptureFixture, how: str) -> None:
    async def scenario() -> None:
        down = asyncio.Event()

        async def on_disconnect() -> None:
            down.set()

        async with client_of(on_disconnect=on_disconnect) as (client, gateway):
            if how == 'cut':
                gateway.sockets[0].transport.abort()
            else:
                await gateway.sockets[0].close(4409, 'a newer session')
            await down.wait()
            assert await client.wait_until_connected(WAIT_S)

    run(scenario)
    (line,) = [r.message for r in caplog.records if r.levelno >= logging.WARNING]
    assert line.startswith('the connection to ws://127.0.0.1:') and ' was lost: ' in line
    assert how == 'cut' or '4409' in line


def test_a_token_that_is_revoked_is_an_authentication_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario() -> None:
        down = asyncio.Event()

        async def on_disconnect() -> None:
            down.set()

        backoff = Backoff(0.02, 60)
        async with client_of(on_disconnect=on_disconnect, backoff=backoff) as (client, gateway):
            await gateway.sockets[0].close(WRONG_TOKEN.code, WRONG_TOKEN.reason)
            await down.wait()
            with pytest.raises(AuthenticationError, match='4401'):
                await client.wait_until_connected(WAIT_S)
            event: Message = await client.event('H4001', 's', 'V1', timeout=0.01)
            assert event.status == 408

    run(scenario)
    (line,) = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert line.levelno == logging.ERROR and '4401' in line.message
