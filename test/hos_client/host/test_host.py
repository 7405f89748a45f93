"""The host with drivers that fail, block, and come and go."""

from __future__ import annotations

import fcntl
import os
import queue
import threading
from pathlib import Path
from typing import Any

import pytest
from fake_fleet import UID, Anything, Shelf, fleet, row
from manager_double import described_devices
from running_host import FastSerial, Rig, running_host

from hos_client.host import Action, DetectedDevice, DeviceUnavailableError, Driver, event_manager
from hos_client.host.device_registry import DeviceState
from hos_client.host.drivers.l1 import L1Driver
from hos_device_layer.testing.serial_device import FakePort, L1Board, SerialBench

STOP = next(f for f in fleet().functions if f.name == 'shaker_stop')


def shelf_on(rig: Rig) -> Shelf:
    shelf = Shelf()
    rig.host.add_interface(shelf)
    return shelf


def test_a_command_id_that_is_sent_twice_runs_once() -> None:
    ran: list[int] = []

    class Counting(Anything):
        def action(self, data: Action) -> Any:
            ran.append(data.id)
            return {'n': len(ran)}

    with running_host(Counting) as rig:
        shelf_on(rig)
        rig.wait_for(DeviceState.READY)
        assert rig.event('connect') == ('connect', UID)
        assert rig.call(STOP, cmd_id=1) == (True, '', '{"n":1}')
        assert rig.call(STOP, cmd_id=1) == (True, '', '{"n":1}')
        assert rig.call(STOP, cmd_id=2) == (True, '', '{"n":2}')
    assert ran == [1, 2]


class RaisingInSupported(Anything):
    priority = 9

    @classmethod
    def supported(cls, device: DetectedDevice) -> bool:
        raise RuntimeError('no idea')


class RaisingInConstructor(Anything):
    priority = 8

    def __init__(self, identifier: str, device: DetectedDevice) -> None:
        raise RuntimeError('cannot be made')


def test_a_driver_that_raises_is_skipped_and_the_next_one_is_tried(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with running_host(RaisingInSupported, RaisingInConstructor, Anything) as rig:
        shelf_on(rig)
        assert rig.wait_for(DeviceState.READY).driver == 'Anything'
    assert 'no idea' in caplog.text and 'cannot be made' in caplog.text
    with running_host(RaisingInConstructor) as rig:
        shelf_on(rig)
        report = rig.wait_for(DeviceState.UNSUPPORTED)
        assert 'RaisingInConstructor failed: RuntimeError: cannot be made' in report.reason


def test_an_exception_in_disconnect_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    class Raising(Anything):
        def disconnect(self) -> None:
            raise RuntimeError('will not go')

    with running_host(Raising) as rig:
        shelf = shelf_on(rig)
        rig.wait_for(DeviceState.READY)
        shelf.devices = {}
        rig.wait_for(DeviceState.GONE)
    assert 'will not go' in caplog.text


def test_a_device_that_is_unavailable_in_an_action_is_opened_again() -> None:
    class Flaky(Anything):
        created = 0

        def __init__(self, identifier: str, device: DetectedDevice) -> None:
            super().__init__(identifier, device)
            Flaky.created += 1

        def action(self, data: Action) -> Any:
            if Flaky.created == 1:
                raise DeviceUnavailableError('the port is dead')
            return {'made': Flaky.created}

    with running_host(Flaky) as rig:
        shelf_on(rig)
        rig.wait_for(DeviceState.READY)
        assert rig.event('connect')
        assert rig.call(STOP, cmd_id=1) == (False, 'the port is dead', '')
        rig.wait_for(DeviceState.READY)
        assert rig.event('connect')
        assert rig.call(STOP, cmd_id=2) == (True, '', '{"made":2}')


def test_an_invalid_result_fails_the_call() -> None:
    class Odd(Anything):
        def action(self, data: Action) -> Any:
            return {'x': object()}

    with running_host(Odd) as rig:
        shelf_on(rig)
        rig.wait_for(DeviceState.READY)
        assert rig.event('connect')
        success, error, _ = rig.call(STOP)
        assert not success and 'cannot send these values' in error


def test_samples_of_several_streams() -> None:
    drivers: queue.Queue[Driver] = queue.Queue()

    class Sampling(Anything):
        def __init__(self, identifier: str, device: DetectedDevice) -> None:
            super().__init__(identifier, device)
            drivers.put(self)

    with running_host(Sampling) as rig:
        shelf_on(rig)
        rig.wait_for(DeviceState.READY)
        assert rig.event('connect')
        driver = drivers.get(timeout=10)
        driver.data = {'speed': {'speed': 300}, 'temperature': [21.5]}
        event_manager.device_changed(driver)
        assert rig.event('sample') == ('sample', UID, 'speed', '{"speed":300}')
        assert rig.event('sample') == ('sample', UID, 'temperature', 'V21.5')


def test_a_second_device_with_the_same_name_waits() -> None:
    of_fleet = fleet(row(serial_info='0403:6001'))
    with running_host(L1Driver, of_fleet=of_fleet) as rig:
        rig.plug(L1Board(), serial_number=None, usb_id=(0x403, 0x6001))
        second = rig.bench.plug(L1Board(), usb_id=(0x403, 0x6001))
        waiting = rig.wait_for(DeviceState.WAITING, second.device)
        assert 'already' in waiting.reason and 'USB serial number' in waiting.reason


def test_a_port_in_use_by_another_program_is_opened_when_it_is_free() -> None:
    with running_host(L1Driver) as rig, SerialBench() as other:
        path = other.plug(L1Board()).device
        holder = os.open(path, os.O_RDWR | os.O_NOCTTY)
        fcntl.flock(holder, fcntl.LOCK_EX)
        rig.host.add_interface(FastSerial(lambda: [FakePort(path, serial_number='K6101')]))
        report = rig.wait_for(DeviceState.UNAVAILABLE, path)
        assert 'in use by another program' in report.reason
        os.close(holder)
        rig.wait_for(DeviceState.READY, path)
        assert rig.event('connect') == ('connect', UID)
        assert rig.call(STOP)[0]


def test_a_driver_that_blocks_forever_affects_no_other_device() -> None:
    blocked, release = threading.Event(), threading.Event()

    class Blocking(L1Driver):
        priority = 1

        @classmethod
        def supported(cls, device: DetectedDevice) -> bool:
            return device.row is not None and device.row.device_id == 'K6102'

        def action(self, data: Action) -> object:
            blocked.set()
            release.wait()
            return {}

    of_fleet = fleet(row(), row('K6102', 7))
    with running_host(Blocking, L1Driver, of_fleet=of_fleet) as rig:
        rig.plug(L1Board())
        other = rig.bench.plug(L1Board(), serial_number='K6102')
        rig.wait_for(DeviceState.READY, other.device)
        assert rig.event('connect') == ('connect', 7)
        rig.send(STOP, cmd_id=1, uid=7)
        assert blocked.wait(10)
        assert rig.call(STOP, cmd_id=2) == (True, '', '')
        rig.bench.unplug(other)
        result = rig.event('result')
        assert result[1:3] == (7, 1) and 'unplugged' in result[4]
        # Left behind after its time, it does not keep the device away.
        rig.bench.plug(L1Board(), serial_number='K6102')
        assert rig.call(STOP, cmd_id=3)[0]
        release.set()


def test_plugging_and_unplugging_leaks_no_threads_or_files(tmp_path: Path) -> None:
    with running_host(L1Driver) as rig:

        def cycle(cmd_id: int) -> None:
            port = rig.plug(L1Board())
            assert rig.call(STOP, cmd_id=cmd_id)[0]
            rig.bench.unplug(port)
            rig.wait_for(DeviceState.GONE)
            rig.event('closed')

        for n in range(10):
            cycle(n)
        before = _threads(), _descriptors()
        for n in range(10, 60):
            cycle(n)
        assert rig.client.is_connected
        assert _threads() <= before[0] + 1 and _descriptors() <= before[1]
        assert [d.id for d in described_devices(rig.gateway)] == []


def _threads() -> int:
    # The client starts threads for handlers when it needs them, up to its limit.
    return sum(not t.name.startswith('hos_client_handler') for t in threading.enumerate())


def _descriptors() -> int:
    return len(list(Path('/proc/self/fd').iterdir()))
