"""A device whose description cannot be sent is left out; the others are connected."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from gateway_clients import UID, delta, move, new_client, pool, received, wait_for
from manager_double import ManagerDouble, described_devices

from hos_client import Client, ConfigurationError, Device
from hos_device_layer.core.rosbridge.device_descriptions import MAX_DEVICES
from hos_device_layer.links.gateway import Gateway

BAD_UID = 7


def tagged(tag: Any, tag_id: Any = 'room') -> Device:
    device = Device('X1', 'Fan', 'fan', uid=BAD_UID)
    device.add_tag(tag_id, tag)
    return device


BAD: dict[str, Callable[[], Device]] = {
    'large tag': lambda: tagged('x' * 300_000),
    'number as a tag': lambda: tagged(5),
    'number as a tag id': lambda: tagged('x', 5),
    'surrogate in a tag': lambda: tagged('caf\udce9'),
    'surrogate in the name': lambda: Device('X1', 'Fan', 'caf\udce9', uid=BAD_UID),
    'long name': lambda: Device('X1', 'Fan', 'n' * 300, uid=BAD_UID),
    'long id': lambda: Device('i' * 300, 'Fan', 'fan', uid=BAD_UID),
    'long type': lambda: Device('X1', 'T' * 300, 'fan', uid=BAD_UID),
}


@pytest.mark.parametrize('kind', BAD)
def test_it_is_left_out_when_the_client_connects(
    gateway: Gateway, manager: ManagerDouble, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    with new_client(gateway, pool(BAD[kind](), delta()), ping_interval_s=0.05) as client:
        assert client.wait_until_connected()
        assert {manager.next_event()[1] for _ in range(4)} == {UID}
        assert [device.id for device in described_devices(gateway)] == ['H4001']
    (line,) = [record.message for record in caplog.records if record.levelname == 'ERROR']
    assert line.startswith(("device 'X1' is left out: ", "device 'iii")) and len(line) < 400


@pytest.mark.parametrize('kind', BAD)
def test_adding_it_is_refused_with_the_reason(
    gateway: Gateway, manager: ManagerDouble, kind: str
) -> None:
    downs = threading.Event()
    with new_client(gateway, on_disconnect=downs.set) as client:
        assert client.wait_until_connected()
        answer = client.add(BAD[kind]())
        assert answer.status == 422 and 'its description cannot be sent: ' in answer.payload
        gateway.send(move())
        assert client.response(received(client), {})
        assert not downs.is_set()


def test_it_is_connected_once_it_has_been_mended(gateway: Gateway, manager: ManagerDouble) -> None:
    device = tagged('x' * 300)
    with new_client(gateway) as client:
        assert client.wait_until_connected()
        assert client.add(device).status == 422
        device.change_tag('room', 'lab')
        assert client.update(device)
        assert wait_for(manager, 'connect') == ('connect', UID)
        assert wait_for(manager, 'connect') == ('connect', BAD_UID)
        device.change_tag('room', 'x' * 300)
        assert client.update(device).status == 422


def test_too_many_devices_are_left_out(
    gateway: Gateway, manager: ManagerDouble, caplog: pytest.LogCaptureFixture
) -> None:
    devices = pool(*(delta(n, f'D{n}') for n in range(MAX_DEVICES + 3)))
    with new_client(gateway, devices) as client:
        assert client.wait_until_connected(30)
        answer = client.add(delta(UID, 'another'))
        assert answer.status == 409 and 'at most 2000 devices' in answer.payload
        assert len(list(described_devices(gateway))) == MAX_DEVICES
        assert client.delete('D0')
        assert client.add(delta(UID, 'another'))
    lines = [record.message for record in caplog.records if record.levelname == 'ERROR']
    assert lines[0] == (
        "3 devices are left out, the first is 'D2000': a client may have at most 2000 devices; "
        'use another client for the rest'
    )


@pytest.mark.parametrize('name', ['n' * 201, 'caf\udce9'])
def test_the_name_of_a_client_is_checked(name: str) -> None:
    with pytest.raises(ConfigurationError, match='name: expected'):
        Client(pool(), 'ws://127.0.0.1:1', name=name)
