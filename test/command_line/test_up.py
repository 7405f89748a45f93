"""`hos up`: what it starts, prints and ends."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hos_command import TIMEOUT_S, HosCommand

from hos_device_layer.command_line.__main__ import main
from hos_device_layer.links.gateway import DEFAULT_PORT
from hos_device_layer.source_tree import HOS


@contextlib.contextmanager
def occupied_port() -> Iterator[None]:
    """Listen on the default port of the gateway, unless another program does already."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            listener.bind(('127.0.0.1', DEFAULT_PORT))
            listener.listen()
        yield


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_runs_the_sample_and_ends_all_its_programs(elsewhere: HosCommand) -> None:
    with occupied_port(), elsewhere.running('up') as up:
        up.wait_for("^Simulating the devices of fleet 'demo'. .*hos up --device-db FOLDER")
        up.wait_for(rf'^Port {DEFAULT_PORT} is in use; the gateway listens on port \d+\.$')
        up.wait_for(rf'^Try in a second terminal: {HOS} devices, .* Press Ctrl-C to stop.$')
        up.wait_for('simulated_fleet')
        programs = up.children()
        assert any('device_manager' in program for program in programs.values())
        assert up.stop(signal.SIGINT) == 0
        assert [pid for pid in programs if is_running(pid)] == []


def test_sigterm_ends_it_too(elsewhere: HosCommand, device_db: Path) -> None:
    options = ('--no-simulate', '--no-host', '--gateway-port', 0)
    with elsewhere.running('up', '--device-db', device_db, *options) as up:
        up.wait_for('devices expected')
        (manager,) = up.children()
        assert up.stop(signal.SIGTERM) == 0
        assert not is_running(manager)


@pytest.mark.parametrize(
    ('number', 'end', 'code'),
    [
        (signal.SIGKILL, 'was killed by SIGKILL', 128 + signal.SIGKILL),
        (signal.SIGTERM, 'ended with exit code 0', 1),
    ],
)
def test_it_ends_when_the_device_manager_ends(
    elsewhere: HosCommand, device_db: Path, number: signal.Signals, end: str, code: int
) -> None:
    with elsewhere.running('up', '--device-db', device_db, '--no-simulate') as up:
        up.wait_for('devices expected')
        up.wait_for('hos_client|host')
        programs = up.children()
        (manager,) = (pid for pid, program in programs.items() if 'device_manager' in program)
        assert any('command_line host' in program for program in programs.values())
        os.kill(manager, number)
        assert up.wait() == code
        up.wait_for(rf'^the device manager \(process {manager}\) {end}; stopping the others$')
        assert [pid for pid in programs if is_running(pid)] == []


def test_no_program_outlives_it(elsewhere: HosCommand) -> None:
    with elsewhere.running('up', '--host', '--gateway-port', 0) as up:
        up.wait_for('devices expected')
        up.wait_for('hos_client|host')
        handles = [os.pidfd_open(pid) for pid in up.children()]
        assert len(handles) == 4
        up.process.kill()
        for handle in handles:
            assert select.select([handle], [], [], TIMEOUT_S)[0]
            os.close(handle)


@pytest.mark.parametrize(
    ('arguments', 'reason'),
    [
        (['--fleet', 'mars'], "unknown fleet 'mars'; fleets of the specification in "),
        (['--device-db', '/nonexistent'], '/nonexistent'),
    ],
)
def test_a_wrong_specification_ends_with_code_2(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(['up', *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ''
    assert reason in printed.err
