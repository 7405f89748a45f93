"""Clients of a real gateway, and what tests of them need."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from manager_double import WAIT_S, ManagerDouble

from hos_client import Client, Device, DevicePool, Task
from hos_client.backoff import Backoff
from hos_device_layer.core.dispatch.commands import Command
from hos_device_layer.core.spec.field_types import Field, FieldType
from hos_device_layer.core.spec.records import Function
from hos_device_layer.links.gateway import Gateway

UID = 13212703
MOVE = Function('delta_arm_move', (Field('x', FieldType.FLOAT32), Field('n', FieldType.UINT8)))


def move(cmd_id: int = 1, uid: int = UID) -> Command:
    return Command(cmd_id, uid, MOVE, ('1.5', '2'), None)


def delta(uid: int | None = UID, name: str = 'H4001') -> Device:
    return Device(name, 'DeltaHaive', 'Delta in bay 1', uid=uid)


def pool(*devices: Device) -> DevicePool:
    result = DevicePool()
    for device in devices or (delta(),):
        result.add(device)
    return result


def new_client(gateway: Gateway, devices: DevicePool | None = None, **options: Any) -> Client:
    options.setdefault('backoff', Backoff(0.02, 0.1))
    options.setdefault('ping_interval_s', 60.0)
    return Client(devices or pool(), f'ws://127.0.0.1:{gateway.port}', **options)


def wait_for(manager: ManagerDouble, kind: str) -> tuple[Any, ...]:
    """Wait for the manager's next event of a kind and return it."""
    while True:
        event = manager.next_event()
        if event[0] == kind:
            return event


def received(client: Client) -> Task:
    task = client.receive(WAIT_S)
    assert isinstance(task, Task)
    return task


@contextmanager
def logging_of(text: str) -> Iterator[threading.Event]:
    """Give an event that is set when the client logs a message with a text."""
    logged = threading.Event()

    class Watch(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if text in self.format(record):
                logged.set()

    watch, logger = Watch(), logging.getLogger('hos_client')
    logger.addHandler(watch)
    try:
        yield logged
    finally:
        logger.removeHandler(watch)
