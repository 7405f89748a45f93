"""L1 boards on ptys, through the host and the real gateway."""

from __future__ import annotations

import ctypes
import fcntl
import os
import threading
import tty
from pathlib import Path

import pytest
from fake_fleet import UID, fleet, row
from manager_double import described_devices
from running_host import FastSerial, Rig, running_host

from hos_client.host import Action, DetectedDevice, DeviceUnavailableError, SerialPort, serial_port
from hos_client.host.device_registry import DeviceState
from hos_client.host.drivers.l1 import L1Driver
from hos_client.host.serial_port import open_error_text
from hos_device_layer.testing.serial_device import (
    FakePort,
    L1Board,
    SerialBench,
    SilentBoard,
)

FLEET = fleet()
FUNCTIONS = {function.name: function for function in FLEET.functions}
START, STOP = FUNCTIONS['shaker_start'], FUNCTIONS['shaker_stop']


def ready(rig: Rig, board: object, **port: object) -> FakePort:
    port.setdefault('serial_number', 'K6101')
    plugged = rig.bench.plug(board, **port)  # type: ignore[arg-type]
    rig.wait_for(DeviceState.READY)
    assert rig.event('connect') == ('connect', UID)
    return plugged


def test_from_the_gateway_to_the_bytes_and_back() -> None:
    board = L1Board({'R300T60': 'V300V59.5'}, failures={'X': 17})
    with running_host(L1Driver) as rig:
        ready(rig, board)
        assert rig.call(START, '300', '60') == (True, '', 'V300V59.5')
        assert board.commands == ['R300T60']
        success, error, _ = rig.call(STOP, cmd_id=2)
        assert not success and error.endswith('failed with error code 17')
        assert rig.call(START, '300', '60', cmd_id=3)[0]


def test_streams_by_their_number() -> None:
    with running_host(L1Driver) as rig:
        port = ready(rig, L1Board())
        rig.bench.send(port, b'S1V21.5\n')
        assert rig.event('sample') == ('sample', UID, 'temperature', 'V21.5')
        rig.bench.send(port, b'S9V1\nS0V300\n')
        assert rig.event('sample') == ('sample', UID, 'speed', 'V300')


def test_unplugged_in_the_middle_of_a_command_and_back_on_another_port() -> None:
    board = SilentBoard()
    with running_host(L1Driver) as rig:
        port = ready(rig, board)
        rig.send(STOP)
        rig.event('answered')
        rig.bench.unplug(port)
        success, error, _ = rig.event('result')[3:]
        assert not success and 'unplugged' in error
        assert rig.event('closed') == ('closed', UID)
        ready(rig, L1Board())
        assert rig.call(STOP, cmd_id=2)[0]


def test_two_of_the_same_kind_are_told_apart_or_wait() -> None:
    of_fleet = fleet(row(serial_info='0403:6001'))
    with running_host(L1Driver, of_fleet=of_fleet) as rig:
        ready(rig, L1Board(), serial_number=None, usb_id=(0x403, 0x6001))
        second = rig.bench.plug(L1Board(), usb_id=(0x403, 0x6001))
        waiting = rig.wait_for(DeviceState.WAITING, second.device)
        assert 'already' in waiting.reason and 'USB serial number' in waiting.reason


def test_a_port_that_another_program_holds_comes_when_it_is_free() -> None:
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


def test_no_permission_names_the_group(tmp_path: Path) -> None:
    path = tmp_path / 'tty'
    path.touch()
    reason = open_error_text(str(path), PermissionError(13, 'Permission denied'))
    assert reason.startswith(f'no permission for {path}: join the group ')
    assert 'usermod' in reason
    assert 'no longer exists' in open_error_text('/dev/none', FileNotFoundError(2, 'none'))


def test_a_port_without_permission_names_the_group_that_has_it() -> None:
    master, slave = os.openpty()
    path = os.ttyname(slave)
    Path(path).chmod(0o600)
    # Root may open everything: for the file system this thread becomes nobody, setfsuid(2).
    libc, nobody, myself = ctypes.CDLL(None), 65534, os.geteuid()
    if myself != 0:
        Path(path).chmod(0)
    libc.setfsuid(nobody)
    try:
        with pytest.raises(DeviceUnavailableError, match='no permission for'):
            SerialPort(path, 9600, lambda data: None, lambda reason: None)
    finally:
        libc.setfsuid(myself)
    os.close(master)
    os.close(slave)


class HastyL1Driver(L1Driver):
    """Waits no longer than the test wants to."""

    def action(self, data: Action) -> object:
        return super().action(Action(data.id, data.function_name, text=data.text, timeout_s=0.2))


@pytest.mark.parametrize(
    ('sent', 'said'),
    [
        (b'', 'it sent nothing: is it powered'),
        (b'\xff\xfe\x80', '3 bytes that are not L1: is baud_rate'),
        (b'V3.2', "only part of a line: 'V3.2'"),
        (b'21', 'did not finish'),
    ],
)
def test_a_device_that_does_not_answer_as_it_should(sent: bytes, said: str) -> None:
    class Odd(SilentBoard):
        def receive(self, data: bytes):  # type: ignore[no-untyped-def]
            yield 0.0, sent

    with running_host(HastyL1Driver) as rig:
        port = ready(rig, Odd() if sent else SilentBoard())
        success, error, _ = rig.call(STOP)
        assert not success and said in error and 'K6101' in error and '9600 baud' in error
        # It goes on: the next command is sent, and the device is still there.
        assert not rig.call(STOP, cmd_id=2)[0]
        rig.bench.unplug(port)


def test_a_driver_that_blocks_for_ever_holds_up_nobody() -> None:
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
        ready(rig, L1Board())
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


def test_an_action_whose_time_is_over_is_given_up() -> None:
    release = threading.Event()

    class Blocking(L1Driver):
        def action(self, data: Action) -> object:
            release.wait()
            return {}

    base = fleet()
    quick = [
        f if f.name != 'shaker_stop' else type(f)(f.name, device_types=f.device_types,
        serializer=f.serializer, timeout_s=0.3) for f in base.functions
    ]  # fmt: skip
    of_fleet = type(base)(base.name, base.devices, base.device_types, tuple(quick), base.streams)
    with running_host(Blocking, of_fleet=of_fleet) as rig:
        ready(rig, L1Board())
        rig.send(STOP, cmd_id=1)
        rig.send(STOP, cmd_id=2)
        errors = {event[2]: event[4] for event in (rig.event('result') for _ in range(2))}
        assert 'the driver did not finish within' in errors[1]
        assert "busy with 'shaker_stop'" in errors[2]
        release.set()


def test_many_cycles_leak_nothing(tmp_path: Path) -> None:
    with running_host(L1Driver) as rig:

        def cycle(cmd_id: int) -> None:
            port = ready(rig, L1Board())
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
    # The client's own workers start as they are needed, up to their bound.
    return sum(not t.name.startswith('hos_client_handler') for t in threading.enumerate())


def _descriptors() -> int:
    return len(list(Path('/proc/self/fd').iterdir()))


def test_a_line_that_takes_no_more_bytes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serial_port, 'WRITE_TIMEOUT_S', 0.1)
    master, slave = os.openpty()
    tty.setraw(slave)
    lost: list[str] = []
    port = SerialPort(os.ttyname(slave), 9600, lambda data: None, lost.append)
    with pytest.raises(DeviceUnavailableError, match='accepts no more bytes'):
        port.write(b'x' * 1_000_000)
    port.close()
    port.close()
    with pytest.raises(DeviceUnavailableError, match='was closed'):
        port.write(b'x')
    assert lost == []
    os.close(master)
    os.close(slave)
