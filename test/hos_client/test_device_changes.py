"""Changes of devices: they take effect locally at once, and reach the platform in order."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from gateway_clients import UID, delta, new_client, pool, wait_for
from manager_double import WAIT_S, ManagerDouble, running_gateway

from hos_client import Client, Device, DevicePool
from hos_device_layer.links.gateway import Gateway, GatewaySettings


class Outage:
    """A client that has been connected and is offline, until `end`."""

    def __init__(self) -> None:
        self.downs, self.ups = threading.Event(), threading.Semaphore(0)

    def client(self, gateway: Gateway) -> Client:
        return new_client(
            gateway,
            pool(delta(), delta(7, 'D7')),
            on_connect=self.ups.release,
            on_disconnect=self.downs.set,
        )


def connects_after_an_outage(before: list[str], offline: list[str]) -> list[int]:
    """Return the uids that are connected after some changes of a device, each given up."""
    outage = Outage()
    with running_gateway() as (gateway, _), outage.client(gateway) as client:
        assert outage.ups.acquire(timeout=WAIT_S)
        for change in before:
            assert getattr(client, change)(delta())
        gateway.stop()
        assert outage.downs.wait(WAIT_S)
        late = [getattr(client, change)(delta(), block=False) for change in offline[:-1]]
        given_up = [getattr(client, change)(delta(), timeout=0.01) for change in offline[-1:]]
        assert [message.status for message in given_up] == [408]
        with running_gateway(GatewaySettings(port=gateway.port)) as (_, successor):
            assert outage.ups.acquire(timeout=WAIT_S)
            for future in late:
                future.result(WAIT_S)
            client.add(delta(8, 'last'))
            connects = []
            while (event := successor.next_event()) != ('connect', 8):
                if event[0] in ('connect', 'ping'):
                    connects.append(event[1])
            return connects


def test_a_device_that_is_added_offline_is_connected_after_the_outage() -> None:
    assert UID in connects_after_an_outage(['disconnect'], ['add'])


def test_a_device_that_is_disconnected_offline_stays_so() -> None:
    assert UID not in connects_after_an_outage([], ['add', 'disconnect'])


@pytest.mark.parametrize('change', ['disconnect', 'delete'])
def test_the_last_change_of_a_device_counts(
    gateway: Gateway, manager: ManagerDouble, change: str
) -> None:
    with new_client(gateway, pool(delta(7, 'D7')), ping_interval_s=0.02) as client:
        assert client.wait_until_connected()
        added = client.add(delta(), timeout=None, block=False)
        gone = getattr(client, change)(delta(), timeout=None, block=False)
        assert gone.result(WAIT_S) and added.result(WAIT_S).status in (200, 409)
        events = [manager.next_event() for _ in range(10)]
        own = [event[0] for event in events if event[1] == UID]
        assert own in ([], ['connect', 'closed'])


def test_a_device_that_is_added_again_stays_connected(
    gateway: Gateway, manager: ManagerDouble
) -> None:
    with new_client(gateway) as client:
        assert client.wait_until_connected()
        for _ in range(20):
            client.disconnect(delta(), timeout=None, block=False)
            last = client.add(delta(), timeout=None, block=False)
        assert last.result(WAIT_S)
        assert client.add(delta(7, 'D7'))
        events = []
        while (event := manager.next_event()) != ('connect', 7):
            events.append(event[0])
        assert events[-1] == 'connect'


def test_a_change_during_the_synchronization_takes_effect(
    gateway: Gateway, manager: ManagerDouble
) -> None:
    is_connecting, goes_on = threading.Event(), threading.Event()

    def connect_late(uid: int) -> bool:
        is_connecting.set()
        return goes_on.wait(WAIT_S)

    manager.known = connect_late
    with new_client(gateway) as client:
        assert is_connecting.wait(WAIT_S)
        assert client.disconnect(delta(), timeout=0.01).status == 408
        goes_on.set()
        assert wait_for(manager, 'closed') == ('closed', UID)


class LateReader(DevicePool):
    """Delivers the list with one device only after a longer one has been used."""

    def __init__(self) -> None:
        super().__init__()
        self.has_read, self.goes_on = threading.Event(), threading.Event()

    def devices(self) -> list[Device]:
        read = super().devices()
        if len(read) == 1:
            self.has_read.set()
            self.goes_on.wait(WAIT_S)
        return read


def test_devices_that_are_added_in_parallel_are_all_known(
    gateway: Gateway, manager: ManagerDouble
) -> None:
    devices = LateReader()
    with Client(devices, f'ws://127.0.0.1:{gateway.port}', ping_interval_s=0.05) as client:
        assert client.wait_until_connected()
        with ThreadPoolExecutor() as threads:
            first = threads.submit(client.add, delta(1, 'D1'))
            assert devices.has_read.wait(WAIT_S)
            assert client.add(delta(2, 'D2'))
            devices.goes_on.set()
            assert first.result(WAIT_S)
        assert {wait_for(manager, 'ping')[1] for _ in range(6)} >= {2}
