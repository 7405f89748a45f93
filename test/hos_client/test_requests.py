"""Requests with timeouts, futures and callbacks."""

from __future__ import annotations

import queue

from gateway_clients import UID, logging_of, new_client, pool, wait_for
from manager_double import WAIT_S, ManagerDouble

from hos_client import Client, Device, Message, Task
from hos_client.backoff import Backoff
from hos_device_layer.core.dispatch.commands import Command
from hos_device_layer.core.spec.records import Function
from hos_device_layer.links.gateway import Gateway


def test_futures_and_callbacks(gateway: Gateway, manager: ManagerDouble) -> None:
    answers: queue.Queue[Message] = queue.Queue()

    def raising(message: Message) -> None:
        answers.put(message)
        raise RuntimeError('in a callback')

    with logging_of('in a callback') as logged, new_client(gateway) as client:
        assert client.wait_until_connected()
        future = client.event('H4001', 's', 'V1', callback=raising, block=False)
        assert future.result(WAIT_S)
        assert answers.get(timeout=WAIT_S).status == 200
        assert client.event('H4001', 's', 'V1', callback=answers.put)
        assert answers.get(timeout=WAIT_S).status == 200
        assert logged.wait(WAIT_S)


def test_blocking_in_a_coroutine_is_an_error(gateway: Gateway, manager: ManagerDouble) -> None:
    client = new_client(gateway)

    @client.command('stop')
    async def stop(task: Task) -> None:
        client.event('H4001', 's', 'V1')

    with client:
        assert client.wait_until_connected()
        gateway.send(Command(1, UID, Function('stop'), (), None))
        result = wait_for(manager, 'result')
        assert result[3] is False and 'block=False' in result[4]


def test_local_changes_are_made_without_a_gateway() -> None:
    devices = pool()
    with Client(devices, 'ws://127.0.0.1:1', backoff=Backoff(60, 60)) as client:
        assert client.add(Device('F1', 'Fan', 'fan', uid=7), timeout=0.01).status == 408
        assert client.delete('H4001', timeout=0.01).status == 408
        assert [d.id for d in devices.devices()] == ['F1']
        assert not client.wait_until_connected(0.01)
