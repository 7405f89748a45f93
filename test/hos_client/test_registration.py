"""The devices of a client, as the gateway knows them."""

from __future__ import annotations

from gateway_clients import UID, delta, move, new_client, pool, received, wait_for
from manager_double import ManagerDouble, described_devices

from hos_client import Device, hash_of
from hos_device_layer.links.gateway import Gateway


def test_managing_devices(gateway: Gateway, manager: ManagerDouble) -> None:
    with new_client(gateway) as client:
        assert client.wait_until_connected()
        wait_for(manager, 'connect')
        fan = Device('F1', 'Fan', 'fan', uid=7)
        assert client.add(fan)
        assert wait_for(manager, 'connect') == ('connect', 7)
        assert known_names(gateway) == ['Delta in bay 1', 'fan']
        fan.name = 'great fan'
        assert client.update(fan)
        assert known_names(gateway) == ['Delta in bay 1', 'great fan']
        assert client.disconnect(fan)
        assert wait_for(manager, 'closed') == ('closed', 7)
        assert known_names(gateway) == ['Delta in bay 1', 'great fan']
        gateway.send(move(1, 7))
        assert wait_for(manager, 'answered')[:3] == ('answered', 1, False)
        assert client.delete('F1')
        assert known_names(gateway) == ['Delta in bay 1']


def known_names(gateway: Gateway) -> list[str]:
    return sorted(device.name for device in described_devices(gateway))


def test_the_reason_of_a_refusal_is_returned(gateway: Gateway, manager: ManagerDouble) -> None:
    manager.known = lambda uid: uid == UID
    devices = pool()
    with new_client(gateway, devices) as client:
        assert client.wait_until_connected()
        answer = client.add(Device('F1', 'Fan', 'fan', uid=7))
        assert answer.status == 409 and 'not in the fleet' in answer.payload
        assert client.add(Device('F2', 'Fan', 'fan')).status == 422
        assert [d.id for d in devices.devices()] == ['H4001', 'F1', 'F2']


def test_only_devices_that_differ_are_described(gateway: Gateway, manager: ManagerDouble) -> None:
    devices = pool(*(delta(n, f'D{n}') for n in range(250)))
    with new_client(gateway, devices, name='bay') as client:
        assert client.wait_until_connected()
    known = described_devices(gateway)
    assert {device.uid for device in known} == set(range(250))
    changed = devices.get('D7')
    changed.name = 'new'
    devices.remove('D8')
    with new_client(gateway, devices, name='bay') as client:
        assert client.wait_until_connected()
    now = {device.id: device for device in described_devices(gateway)}
    assert now['D7'].name == 'new' and 'D8' not in now and len(now) == 249
    # Those that had not changed were not sent again: they are still the same objects.
    before = {device.id: device for device in known}
    assert all(now[i] is before[i] for i in now if i != 'D7')
    assert hash_of(devices.devices()) != hash_of([])


def test_pings(gateway: Gateway, manager: ManagerDouble) -> None:
    with new_client(gateway, pool(delta(1, 'A'), delta(2, 'B')), ping_interval_s=0.05):
        pinged = {wait_for(manager, 'ping')[1] for _ in range(4)}
        assert pinged == {1, 2}


def test_a_thousand_devices_on_one_socket(gateway: Gateway, manager: ManagerDouble) -> None:
    devices = pool(*(delta(n, f'D{n}') for n in range(1000)))
    with new_client(gateway, devices) as client:
        assert client.wait_until_connected()
        assert {wait_for(manager, 'connect')[1] for _ in range(1000)} == set(range(1000))
        for n in range(1000):
            gateway.send(move(n, n))
        tasks = [received(client) for _ in range(1000)]
        for task in tasks:
            client.response(task, {}, block=False)
        assert {wait_for(manager, 'result')[2] for _ in range(1000)} == set(range(1000))
