"""Peers of a real gateway: clients that send and receive rosbridge frames over a WebSocket."""

from __future__ import annotations

import json
from typing import Any

import pytest
from manager_double import WAIT_S
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from hos_device_layer.links.gateway import Gateway

UID = 10758656
SERIALIZED = f'haive_os/device/uid{UID}/serialized_command'
STREAM = f'haive_os/device/uid{UID}/stream/temperature'


def open_socket(gateway: Gateway, query: str = '', **options: Any) -> ClientConnection:
    return connect(f'ws://127.0.0.1:{gateway.port}/{query}', compression=None, **options)


def say(client: ClientConnection, frame: Any) -> None:
    client.send(frame if isinstance(frame, str) else json.dumps(frame))


def hear(client: ClientConnection) -> Any:
    return json.loads(client.recv(timeout=WAIT_S))


def close_code(client: ClientConnection) -> tuple[int | None, str]:
    """Wait for the server to close."""
    with pytest.raises(ConnectionClosed):
        while True:
            client.recv(timeout=WAIT_S)
    return client.close_code, client.close_reason or ''


def ping_frame(uid: int = UID) -> dict[str, Any]:
    return {'op': 'publish', 'topic': 'haive_os/device/ping', 'msg': {'data': uid}}
