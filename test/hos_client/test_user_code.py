"""Exceptions in the functions and objects of a program cost that call only."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from gateway_clients import UID, delta, logging_of, move, new_client, pool, received, wait_for
from manager_double import WAIT_S, ManagerDouble

from hos_client import Device, DevicePool, Message
from hos_device_layer.links.gateway import Gateway


def cancel(*_: Any) -> None:
    raise asyncio.CancelledError


def leave(*_: Any) -> None:
    sys.exit('bye')


def fail(*_: Any) -> None:
    raise RuntimeError('in a callback')


async def leave_async() -> None:
    sys.exit('bye')


@pytest.mark.parametrize('callback', [cancel, leave, fail])
def test_a_callback_of_a_request(
    gateway: Gateway, manager: ManagerDouble, callback: Callable[..., Any]
) -> None:
    with logging_of('a callback') as logged, new_client(gateway) as client:
        assert client.wait_until_connected()
        assert client.event('H4001', 's', 'V1', callback=callback)
        assert logged.wait(WAIT_S)
        assert client.event('H4001', 's', 'V1')


@pytest.mark.parametrize('callback', [cancel, leave, fail, leave_async])
def test_the_callbacks_of_the_connection(
    gateway: Gateway, manager: ManagerDouble, callback: Callable[..., Any]
) -> None:
    with logging_of('a callback') as logged:
        with new_client(gateway, on_connect=callback, on_disconnect=callback) as client:
            assert client.wait_until_connected()
            assert logged.wait(WAIT_S)
            logged.clear()
            gateway.send(move(1))
            assert client.response(received(client), {})
        assert logged.wait(WAIT_S)


class BrokenPool(DevicePool):
    """Raises while `error` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.error: BaseException | None = None
        self.read = threading.Semaphore(0)

    def devices(self) -> list[Device]:
        self.read.release()
        if self.error is not None:
            raise self.error
        return super().devices()


@pytest.mark.parametrize('error', [SystemExit(), asyncio.CancelledError(), OSError('disk full')])
def test_a_store_of_devices(
    gateway: Gateway, manager: ManagerDouble, error: BaseException
) -> None:
    """The devices that were known before are connected."""
    devices = BrokenPool()
    devices.add(delta())
    client = new_client(gateway, devices)
    devices.error = error
    with logging_of('the devices could not be read') as logged, client:
        assert client.wait_until_connected()
        assert logged.wait(WAIT_S)
        assert wait_for(manager, 'connect') == ('connect', UID)
        gateway.send(move(1))
        assert client.response(received(client), {}) == Message(200)


def test_a_store_that_cannot_be_read_at_first_is_an_error(gateway: Gateway) -> None:
    devices = BrokenPool()
    devices.error = OSError('disk full')
    with pytest.raises(OSError, match='disk full'):
        new_client(gateway, devices)


def test_a_task_that_arrives_while_receiving_is_interrupted_is_not_lost(
    gateway: Gateway, manager: ManagerDouble
) -> None:
    with new_client(gateway, pool()) as client:
        assert client.wait_until_connected()
        for timeout in (0.0, 0.0, None):
            if timeout is not None:
                gateway.send(move(1))
            task = client.receive(timeout)
            if task:
                break
        assert task.status == 200
