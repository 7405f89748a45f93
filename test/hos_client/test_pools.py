"""Devices stored in memory and in a file."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hos_client import (
    Device,
    DeviceError,
    DeviceManagerInterface,
    DevicePool,
    DeviceStore,
    UnknownDeviceError,
)


def lamp() -> Device:
    device = Device('dev1', 'typeA', 'Lamp')
    device.addTag('room', 'lab')
    return device


@pytest.fixture(params=['pool', 'store'])
def devices(request: pytest.FixtureRequest, tmp_path: Path) -> DeviceManagerInterface:
    if request.param == 'pool':
        return DevicePool()
    store = DeviceStore(tmp_path / 'devices.db')
    request.addfinalizer(store.close)
    return store


def test_keeping_devices(devices: DeviceManagerInterface) -> None:
    devices.add(lamp())
    devices.add(Device('dev2', 'typeB', 'Fan', uid=7))
    assert [d.id for d in devices.devices()] == ['dev1', 'dev2']
    assert devices.get('dev1').hash == lamp().hash
    assert devices.get('dev2').uid == 7
    changed = lamp()
    changed.name = 'Lantern'
    changed.remove_tag('room')
    devices.update(changed)
    assert devices.get('dev1').hash == changed.hash
    devices.remove('dev1')
    assert [d.id for d in devices.devices()] == ['dev2']


def test_adding_a_known_id_warns_and_keeps_the_device(
    devices: DeviceManagerInterface, caplog: pytest.LogCaptureFixture
) -> None:
    devices.add(lamp())
    with caplog.at_level(logging.WARNING):
        devices.add(Device('dev1', 'typeA', 'another'))
    assert 'dev1' in caplog.text
    assert devices.get('dev1').name == 'Lamp'


def test_unknown_ids_are_errors(devices: DeviceManagerInterface) -> None:
    for attempt in (
        lambda: devices.update(lamp()),
        lambda: devices.remove('dev1'),
        lambda: devices.get('dev1'),
    ):
        with pytest.raises(UnknownDeviceError, match='dev1') as error:
            attempt()
        assert error.value.device_id == 'dev1'


def test_the_store_escapes_any_text(tmp_path: Path) -> None:
    store = DeviceStore(tmp_path / 'devices.db')
    nasty = Device("x'; DROP TABLE devices; --", '"', '\0\n')
    nasty.add_tag("'", '""')
    store.add(nasty)
    assert store.get(nasty.id).hash == nasty.hash
    store.close()


def test_the_store_keeps_everything_in_its_file(tmp_path: Path) -> None:
    path = tmp_path / 'devices.db'
    store = DeviceStore(path)
    device = Device('dev1', 'typeA', 'Lamp', uid=4294967295)
    for n in (3, 1, 2):
        device.add_tag(f'tag{n}', str(n))
    store.add(device)
    store.close()
    store = DeviceStore(path)
    assert list(store.get('dev1').tags) == ['tag3', 'tag1', 'tag2']
    assert store.get('dev1').uid == 4294967295
    store.close()


def test_the_store_survives_being_killed(tmp_path: Path) -> None:
    path = tmp_path / 'devices.db'
    program = (
        'import sys\n'
        'from hos_client import Device, DeviceStore\n'
        'store = DeviceStore(sys.argv[1])\n'
        'for n in range(10**6):\n'
        "    store.add(Device(f'd{n}', 't', 'n'))\n"
        '    print(n, flush=True)\n'
    )
    with subprocess.Popen(
        [sys.executable, '-c', program, str(path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            if int(line) == 50:
                os.kill(writer.pid, signal.SIGKILL)
                break
        told = 50 + len(writer.stdout.read().splitlines())
    store = DeviceStore(path)
    ids = [device.id for device in store.devices()]
    store.close()
    assert ids == [f'd{n}' for n in range(len(ids))]
    assert len(ids) >= told + 1


def test_an_error_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / 'devices.db'
    path.write_bytes(b'nonsense' * 1000)
    with pytest.raises(DeviceError, match=r'devices\.db'):
        DeviceStore(path)
