"""The asynchronous client against the real gateway, over real sockets."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from gateway_clients import UID, delta, move, pool, wait_for
from manager_double import WAIT_S, ManagerDouble

from hos_client import ClientError, Device, Task, TaskError
from hos_client.aio import Client
from hos_client.backoff import Backoff
from hos_device_layer.core.dispatch.commands import Command
from hos_device_layer.core.spec.records import Function
from hos_device_layer.links.gateway import Gateway


def run(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, WAIT_S))


def new_client(gateway: Gateway) -> Client:
    url = f'ws://127.0.0.1:{gateway.port}'
    return Client(pool(), url, backoff=Backoff(0.02, 0.1), ping_interval_s=60)


@asynccontextmanager
async def connected(gateway: Gateway) -> AsyncIterator[Client]:
    async with new_client(gateway) as client:
        assert await client.wait_until_connected(WAIT_S)
        yield client


def test_receive_and_respond(gateway: Gateway, manager: ManagerDouble) -> None:
    async def scenario() -> None:
        async with connected(gateway) as client:
            for cmd_id in (1, 2):
                gateway.send(move(cmd_id))
            async for task in client:
                assert task.data == {'x': 1.5, 'n': 2}
                assert await client.response(task, {'n': task.cmd_id})
                assert (await client.response(task)).status == 409
                if task.cmd_id == 2:
                    break
            with pytest.raises(TaskError):
                await client.response(await client.event('H4001', 's', 'V1'))

    run(scenario())
    for n in (1, 2):
        result = wait_for(manager, 'result')
        assert result == ('result', UID, n, True, '', f'{{"n":{n}}}')


def test_handlers_run_on_the_loop_or_on_threads(gateway: Gateway, manager: ManagerDouble) -> None:
    async def scenario() -> None:
        client = new_client(gateway)
        loop_thread = threading.get_ident()
        moved, stopped = asyncio.Event(), asyncio.Event()

        @client.command('delta_arm_move')
        async def arm_move(x: float, n: int, task: Task) -> dict[str, float]:
            assert threading.get_ident() == loop_thread
            task.progress([x])
            moved.set()
            # Waits for another command, which must not wait for this one.
            await stopped.wait()
            return {'sum': x + n}

        @client.command('stop')
        def stop() -> None:
            assert threading.get_ident() != loop_thread
            asyncio.run_coroutine_threadsafe(_set(stopped), loop)

        loop = asyncio.get_running_loop()
        async with client:
            assert await client.wait_until_connected(WAIT_S)
            gateway.send(move(1))
            await moved.wait()
            gateway.send(Command(2, UID, Function('stop'), (), None))
            sample = await asyncio.to_thread(wait_for, manager, 'sample')
            assert sample == ('sample', UID, 'progress', 'V1.5')
            results = [await asyncio.to_thread(wait_for, manager, 'result') for _ in range(2)]
            assert {result[2:4] for result in results} == {(1, True), (2, True)}

    run(scenario())


async def _set(event: asyncio.Event) -> None:
    event.set()


def test_managing_devices(gateway: Gateway, manager: ManagerDouble) -> None:
    async def scenario() -> None:
        async with connected(gateway) as client:
            fan = Device('F1', 'Fan', 'fan', uid=7)
            assert await client.add(fan)
            assert await client.update(fan)
            assert await client.disconnect(fan)
            assert await client.delete('F1')
            assert client.is_connected

    run(scenario())
    assert wait_for(manager, 'connect') == ('connect', UID)
    assert wait_for(manager, 'connect') == ('connect', 7)
    assert wait_for(manager, 'closed') == ('closed', 7)


def test_a_request_that_is_cancelled_is_given_up(gateway: Gateway) -> None:
    async def scenario() -> None:
        async with Client(pool(), 'ws://127.0.0.1:1', backoff=Backoff(60, 60)) as client:
            waiting = asyncio.ensure_future(client.event('H4001', 's', 'V1', timeout=None))
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert (await client.event('H4001', 's', 'V1', timeout=0.01)).status == 408
            assert (await client.add(delta(7, 'F1'), timeout=0.01)).status == 408
            assert not await client.wait_until_connected(0.01)
            left = asyncio.ensure_future(client.add(delta(8, 'F2'), timeout=None))
            await asyncio.sleep(0)
        assert (await left).status == 503

    run(scenario())


def test_a_client_runs_once(gateway: Gateway) -> None:
    async def scenario() -> None:
        async with connected(gateway) as client:
            pass
        assert (await client.event('H4001', 's', 'V1', timeout=None)).status == 503
        with pytest.raises(ClientError, match='create another one'):
            await client.start()

    run(scenario())


def test_receiving_ends_with_the_client(gateway: Gateway) -> None:
    async def receive_all(client: Client) -> int:
        return len([task async for task in client])

    async def scenario() -> None:
        async with connected(gateway) as client:
            waiting = [asyncio.ensure_future(receive_all(client)) for _ in range(2)]
            await asyncio.sleep(0)
        assert await asyncio.gather(*waiting) == [0, 0]
        with pytest.raises(ClientError, match='stopped'):
            await client.receive()

    run(scenario())
