"""A client behind a rosbridge server that is not the gateway of the device layer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from gateway_clients import UID, delta, pool, received
from manager_double import WAIT_S

from hos_client import Client
from hos_client.backoff import Backoff
from hos_device_layer.services import (
    CONNECT_DEVICE_SERVICE,
    DEVICE_COMMAND_SERVICE,
    SERIALIZED_DEVICE_COMMAND_SERVICE,
)
from hos_device_layer.testing.rosbridge_server import RosbridgeServer
from hos_device_layer.topics import (
    DEVICE_CMD_RESULT_TOPIC,
    DEVICE_PING_TOPIC,
    DEVICE_STREAM_TOPIC,
)


@pytest.fixture
def server() -> Iterator[RosbridgeServer]:
    server = RosbridgeServer()
    yield server
    server.stop()


def next_of(server: RosbridgeServer, *beginning: Any) -> tuple[Any, ...]:
    """Wait for the next event that begins with these values."""
    while True:
        event = server.events.get(timeout=WAIT_S)
        if event[: len(beginning)] == beginning:
            return event


def test_a_device_is_served(server: RosbridgeServer) -> None:
    with Client(pool(), server.url, ping_interval_s=0.05, backoff=Backoff(0.02, 0.1)) as client:
        assert client.wait_until_connected()
        assert next_of(server, 'service') == ('service', DEVICE_COMMAND_SERVICE(UID))
        assert next_of(server, 'service') == ('service', SERIALIZED_DEVICE_COMMAND_SERVICE(UID))
        assert next_of(server, 'called') == ('called', CONNECT_DEVICE_SERVICE, {'uid': UID})
        assert next_of(server, 'published') == ('published', DEVICE_PING_TOPIC, {'data': UID})
        command = {'cmd_id': 3, 'serialized_command': 'A2B3', 'function_name': 'home'}
        call_id = server.call(f'/{SERIALIZED_DEVICE_COMMAND_SERVICE(UID)}', command)
        task = received(client)
        assert task.data == 'A2B3'
        accepted = {'is_valid': True, 'error': ''}
        assert next_of(server, 'response') == ('response', call_id, accepted, True)
        assert client.response(task, [5])
        _, _, result = next_of(server, 'published', DEVICE_CMD_RESULT_TOPIC)
        assert (result['cmd_id'], result['success'], result['result_str']) == (3, True, 'V5')
        assert client.event('H4001', 'temperature', [21.5])
        topic = DEVICE_STREAM_TOPIC(UID, 'temperature')
        assert next_of(server, 'published', topic)[2] == {'uid': UID, 'data': 'V21.5'}


def test_devices_are_managed_without_descriptions(server: RosbridgeServer) -> None:
    with Client(pool(), server.url, backoff=Backoff(0.02, 0.1)) as client:
        assert client.wait_until_connected()
        fan = delta(7, 'F1')
        assert client.add(fan) and client.update(fan) and client.delete(fan)
        assert next_of(server, 'called', CONNECT_DEVICE_SERVICE, {'uid': 7})
