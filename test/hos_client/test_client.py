"""The client against the real gateway, over real sockets."""

from __future__ import annotations

import asyncio
import queue
import threading
from pathlib import Path

import pytest
from gateway_clients import UID, move, new_client, pool, received, wait_for
from manager_double import WAIT_S, ManagerDouble

from hos_client import Client, ClientError, ConfigurationError, Message, TaskError
from hos_device_layer.core.dispatch.commands import Command
from hos_device_layer.core.spec.records import Function
from hos_device_layer.links.gateway import Gateway


def test_receive_and_respond(gateway: Gateway, manager: ManagerDouble) -> None:
    with new_client(gateway) as client:
        assert client.wait_until_connected()
        assert manager.next_event() == ('connect', UID)
        gateway.send(move())
        task = received(client)
        assert task.status == 200 and task.content_type == 'application/json'
        assert task.payload == {
            'device_id': 'H4001',
            'function_name': 'delta_arm_move',
            'protocol_parts': {
                'metadata': {'uid': UID, 'cmd_id': 1},
                'data': {'x': 1.5, 'n': 2},
            },
        }
        assert task.device is not None and task.device.id == 'H4001'
        assert wait_for(manager, 'answered') == ('answered', 1, True, '')
        assert client.response(task, {'x': 1, 'y': 2})
        assert wait_for(manager, 'result') == ('result', UID, 1, True, '', '{"x":1,"y":2}')
        assert client.response(task, {}).status == 409
    assert wait_for(manager, 'closed') == ('closed', UID)


def test_serialized_commands_and_failures(gateway: Gateway, manager: ManagerDouble) -> None:
    with new_client(gateway) as client:
        assert client.wait_until_connected()
        gateway.send(Command(5, UID, Function('home'), (), 'A2B3'))
        task = received(client)
        assert task.data == 'A2B3' and task.content_type == 'text/plain'
        assert client.response(task, metadata={'error': 'door open'})
        assert wait_for(manager, 'result') == ('result', UID, 5, False, 'door open', '')


def test_receive_returns_a_message_on_a_timeout(gateway: Gateway) -> None:
    with new_client(gateway) as client:
        message = client.receive(timeout=0.01)
        assert not message and message.status == 408
        with pytest.raises(TaskError):
            client.response(message, {})


def test_async_for(gateway: Gateway, manager: ManagerDouble) -> None:
    async def take_two(client: Client) -> list[int]:
        ids: list[int] = []
        async for task in client:
            ids.append(task.cmd_id)
            await asyncio.wrap_future(client.response(task, {}, block=False))
            if len(ids) == 2:
                break
        return ids

    with new_client(gateway) as client:
        assert client.wait_until_connected()
        gateway.send(move(1))
        gateway.send(move(2))
        assert asyncio.run(asyncio.wait_for(take_two(client), WAIT_S)) == [1, 2]


def test_events_are_stream_samples(gateway: Gateway, manager: ManagerDouble) -> None:
    with new_client(gateway) as client:
        assert client.wait_until_connected()
        assert client.event('H4001', 'temperature', {'celsius': 21.5})
        assert wait_for(manager, 'sample') == (
            'sample',
            UID,
            'temperature',
            '{"celsius":21.5}',
        )


def test_errors_name_the_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match='ws://'):
        Client(pool(), 'http://x')
    with pytest.raises(ConfigurationError, match='ca_file'):
        Client(pool(), 'wss://x', ca_file=str(tmp_path / 'none.pem'))
    client = Client(pool(), 'ws://127.0.0.1:1')
    with pytest.raises(ClientError, match='not running'):
        client.event('H4001', 's', 'V1')
    client.stop()


def test_receiving_ends_with_the_client(gateway: Gateway) -> None:
    client = new_client(gateway)
    with pytest.raises(ClientError, match='not running'):
        client.receive()
    outcomes: queue.Queue[Message] = queue.Queue()
    with client:
        assert client.wait_until_connected()
        threading.Thread(target=lambda: outcomes.put(client.receive())).start()
    assert outcomes.get(timeout=WAIT_S).status == 503
    assert client.receive().status == 503

    async def receive_all() -> list[int]:
        return [task.cmd_id async for task in client]

    assert asyncio.run(asyncio.wait_for(receive_all(), WAIT_S)) == []
