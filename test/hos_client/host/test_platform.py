"""The order of registrations, results and samples, with a double of the client."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future
from typing import Any

import pytest

from hos_client import Device, Message, Task, UnknownDeviceError
from hos_client.host import ActionError, platform
from hos_client.host.platform import Platform
from hos_device_layer.core.errors import ValueMismatchError

SCALE = Device('W1', 'Balance', 'scale', uid=5)
TASK = Task(200, uid=5, cmd_id=1)
UNFIT = object()


class ClientDouble:
    """Records the requests; a test ends the deliveries of results."""

    def __init__(self) -> None:
        self.is_connected = True
        self.requests: list[tuple[Any, ...]] = []
        self.deliveries: list[Future[Message]] = []
        self.deleted = threading.Event()

    def add(self, device: Device, **options: Any) -> None:
        self.requests.append(('add', device.id))

    def delete(self, device_id: str, **options: Any) -> None:
        self.requests.append(('delete', device_id))
        self.deleted.set()

    def response(self, task: Task, data: Any, metadata: Any, **options: Any) -> Future[Message]:
        if data is UNFIT:
            raise ValueMismatchError('not a value')
        self.requests.append(('response', data, metadata))
        self.deliveries.append(Future())
        return self.deliveries[-1]

    def event(self, device_id: str, stream: str, values: Any, **options: Any) -> None:
        if device_id != SCALE.id:
            raise UnknownDeviceError(device_id)
        if values is UNFIT:
            raise ValueMismatchError('not a value')
        self.requests.append(('event', stream, values))


@pytest.fixture
def client() -> ClientDouble:
    return ClientDouble()


@pytest.fixture
def scale(client: ClientDouble) -> Platform:
    """A platform with one device."""
    result = Platform(client, lambda function: function())  # type: ignore[arg-type]
    result.register(SCALE)
    client.requests.clear()
    return result


def test_a_device_without_results_is_unregistered_at_once(
    client: ClientDouble, scale: Platform
) -> None:
    scale.unregister('W1', 5)
    assert client.requests == [('delete', 'W1')] and scale.is_settled


def test_a_device_is_unregistered_after_its_last_result(
    client: ClientDouble, scale: Platform
) -> None:
    scale.answer(TASK, {'mass': 1}, None)
    scale.answer(TASK, None, ActionError('door open'))
    scale.unregister('W1', 5)
    assert client.requests == [
        ('response', {'mass': 1}, None),
        ('response', None, {'error': 'door open'}),
    ]
    client.deliveries[0].set_result(Message(200))
    assert not client.deleted.is_set() and not scale.is_settled
    client.deliveries[1].set_result(Message(200))
    assert client.requests[2:] == [('delete', 'W1')] and scale.is_settled


def test_a_device_that_comes_back_is_added_after_its_unregistration(
    client: ClientDouble, scale: Platform
) -> None:
    scale.answer(TASK, {}, None)
    scale.unregister('W1', 5)
    scale.register(SCALE)
    client.deliveries[0].set_result(Message(200))
    assert client.requests[1:] == [('delete', 'W1'), ('add', 'W1')]


def test_a_device_that_comes_back_and_disappears_is_not_added(
    client: ClientDouble, scale: Platform
) -> None:
    scale.answer(TASK, {}, None)
    scale.unregister('W1', 5)
    scale.register(SCALE)
    scale.unregister('W1', 5)
    client.deliveries[0].set_result(Message(200))
    assert client.requests[1:] == [('delete', 'W1')] and scale.is_settled


def test_a_result_that_is_not_delivered_delays_the_end_for_a_limited_time(
    client: ClientDouble, scale: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, 'DELIVERY_S', 0.01)
    scale.answer(TASK, {}, None)
    scale.unregister('W1', 5)
    assert client.deleted.wait(10)
    client.deliveries[0].set_result(Message(507))
    assert client.requests[1:] == [('delete', 'W1')]


def test_an_invalid_result_fails_the_task(client: ClientDouble, scale: Platform) -> None:
    scale.answer(TASK, UNFIT, None)
    error = {'error': 'invalid result of the driver: not a value'}
    assert client.requests == [('response', None, error)]


def test_samples_that_cannot_be_sent_are_dropped(
    client: ClientDouble, scale: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        scale.sample('W1', 'mass', UNFIT)
        scale.sample('W2', 'mass', [1])
    assert "W1: dropped a sample of 'mass': not a value" in caplog.text
    assert 'W2 has a sample, but is not registered' in caplog.text
    client.is_connected = False
    scale.sample('W1', 'mass', [1])
    assert client.requests == []
    client.is_connected = True
    scale.sample('W1', 'mass', [1])
    assert client.requests == [('event', 'mass', [1])]
