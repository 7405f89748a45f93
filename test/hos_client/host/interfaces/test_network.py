"""Devices that announce themselves by mDNS, on the loopback interface."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from zeroconf import ServiceInfo, Zeroconf

from hos_client.host import Info
from hos_client.host.detector import Detector
from hos_client.host.interfaces.network import SERVICE_TYPE, NetworkInterface

WAIT_S = 150


class Quick(NetworkInterface):
    _loop_delay = 0.05


def loopback() -> Zeroconf:
    return Zeroconf(interfaces=['127.0.0.1'])


def announced(name: str, port: int = 8080, **properties: str) -> ServiceInfo:
    return ServiceInfo(
        SERVICE_TYPE,
        f'{name}.{SERVICE_TYPE}',
        addresses=[socket.inet_aton('127.0.0.1')],
        port=port,
        properties=properties,
        server=f'{name}.local.',
    )


class Looking:
    """Runs the interface as the host does, and waits for its devices."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._devices: dict[str, Info] = {}
        self.detector = Detector(Quick(loopback), self._take)
        self.detector.start()

    def _take(self, connection_type: str, devices: object) -> None:
        assert connection_type == 'network' and isinstance(devices, dict)
        with self._changed:
            self._devices = devices
            self._changed.notify_all()

    def wait_for(self, is_there: Callable[[dict[str, Info]], bool]) -> dict[str, Info]:
        with self._changed:
            assert self._changed.wait_for(lambda: is_there(self._devices), WAIT_S)
            return self._devices


@pytest.fixture
def looking() -> Iterator[Looking]:
    looking = Looking()
    yield looking
    looking.detector.stop()
    looking.detector.join(WAIT_S)


def test_devices_appear_and_disappear(looking: Looking) -> None:
    zeroconf = loopback()
    try:
        zeroconf.register_service(announced('scale', uid='12630001', path='api', tls='1'))
        devices = looking.wait_for(bool)
        assert devices == {
            f'scale.{SERVICE_TYPE}': {
                'names': ('scale', 'scale.local'),
                'uid': 12630001,
                'url': 'https://127.0.0.1:8080/api',
            }
        }
        plain = announced('pump', port=80, uid='many')
        zeroconf.register_service(plain)
        devices = looking.wait_for(lambda devices: len(devices) == 2)
        assert devices[plain.name] == {
            'names': ('pump', 'pump.local'),
            'url': 'http://127.0.0.1:80/command',
        }
        zeroconf.unregister_service(plain)
        looking.wait_for(lambda devices: len(devices) == 1)
    finally:
        zeroconf.close()
