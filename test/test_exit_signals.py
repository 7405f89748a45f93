"""Programs end quietly when a signal comes while they start; code 0 is for those to be stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from manager_process import PATIENCE_S, patched

# Python runs this before the program: it sends one signal when the program reaches a moment, which
# is an event of sys.addaudithook and the end of its first argument.
SIGNAL_AT = """
import os, sys

def watch(event, arguments):
    if event == {event!r} and str(arguments[0]).endswith({argument!r}):
        if os.environ.pop('SIGNAL_ONCE', None):
            os.kill(os.getpid(), {number})

sys.addaudithook(watch)
"""

MANAGER = ['-m', 'hos_device_layer.device_manager']
SIMULATED_FLEET = ['-m', 'hos_device_layer.testing.simulated_fleet']
WIFI_FLEET = ['-m', 'hos_device_layer.testing.simulated_wifi_fleet']
AIRTABLE = ['-m', 'hos_device_layer.testing.airtable']
DEMO_DEVICE = ['-m', 'hos_client']
HOST = ['-m', 'hos_client.host', '--no-network']
UP = ['-m', 'hos_device_layer.command_line', 'up', '--gateway-port', '0']
HOST_COMMAND = ['-m', 'hos_device_layer.command_line', 'host', '--no-network']
# What an installed program runs.
INSTALLED_HOST = ['-c', 'from hos_device_layer.programs import hos_host; hos_host()']

INSTALLED_DEVICE = ['-c', 'from hos_device_layer.programs import hos_client; hos_client()']
HOS = ['-m', 'hos_device_layer.command_line']
WATCH, DEVICES, CALL = [*HOS, 'watch'], [*HOS, 'devices'], [*HOS, 'call', 'W5001', 'balance_tare']
CHECK, GENERATE = [*HOS, 'check'], ['-m', 'hos_generator', '--check']

INTERRUPTED, TERMINATED = 130, 143

# Programs, and what they do when the signal comes. To be stopped is their regular end.
SERVICES = [
    (MANAGER, 'import', 'msgspec', signal.SIGTERM),
    (MANAGER, 'import', 'rclpy', signal.SIGINT),
    (MANAGER, 'import', 'aiohttp', signal.SIGTERM),
    (MANAGER, 'open', 'fleet-demo.yaml', signal.SIGINT),
    (SIMULATED_FLEET, 'import', 'rclpy', signal.SIGINT),
    (SIMULATED_FLEET, 'open', 'fleet-demo.yaml', signal.SIGTERM),
    (WIFI_FLEET, 'import', 'msgspec', signal.SIGINT),
    (WIFI_FLEET, 'open', 'fleet-demo.yaml', signal.SIGTERM),
    (INSTALLED_HOST, 'import', 'msgspec', signal.SIGINT),
    (INSTALLED_DEVICE, 'import', 'msgspec', signal.SIGTERM),
    (HOST, 'import', 'msgspec', signal.SIGINT),
    (HOST, 'import', 'serial', signal.SIGTERM),
    (HOST, 'open', 'host.lock', signal.SIGTERM),
    (DEMO_DEVICE, 'import', 'websockets', signal.SIGINT),
    (DEMO_DEVICE, 'socket.connect', '', signal.SIGTERM),
    (AIRTABLE, 'import', 'aiohttp', signal.SIGINT),
    (AIRTABLE, 'socket.bind', '', signal.SIGTERM),
    (UP, 'import', 'argparse', signal.SIGTERM),
    (UP, 'import', 'rclpy', signal.SIGINT),
    (UP, 'open', 'fleet-demo.yaml', signal.SIGTERM),
    (UP, 'subprocess.Popen', '', signal.SIGINT),
    (HOST_COMMAND, 'import', 'msgspec', signal.SIGINT),
    (WATCH, 'import', 'rclpy', signal.SIGTERM),
    (WATCH, 'import', 'rich.console', signal.SIGINT),
]

# These are not complete when the signal comes.
COMMANDS = [
    (DEVICES, 'import', 'argparse', signal.SIGINT),
    (DEVICES, 'import', 'rclpy', signal.SIGTERM),
    (CALL, 'import', 'hos_interfaces', signal.SIGINT),
    (CALL, 'import', 'rclpy', signal.SIGTERM),
    (CHECK, 'open', 'apis.yaml', signal.SIGINT),
    (CHECK, 'open', 'apis.yaml', signal.SIGTERM),
    (GENERATE, 'import', 'jinja2', signal.SIGINT),
    (GENERATE, 'open', 'apis.yaml', signal.SIGTERM),
]
CODES = {signal.SIGINT: INTERRUPTED, signal.SIGTERM: TERMINATED}
MOMENTS = [(*moment, 0) for moment in SERVICES] + [
    (*moment, CODES[moment[-1]]) for moment in COMMANDS
]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home folder in which the programs find no settings and store what they want."""
    for name in ('HOME', 'ROS_HOME', 'XDG_STATE_HOME', 'XDG_CONFIG_HOME'):
        monkeypatch.setenv(name, str(tmp_path))
    yield tmp_path


@pytest.mark.parametrize(
    ('command', 'event', 'argument', 'number', 'code'),
    MOMENTS,
    ids=[' '.join([*m[0][1:], '-', *m[1:3], m[3].name]) for m in MOMENTS],
)
def test_a_signal_while_a_program_starts_ends_it(
    home: Path, command: list[str], event: str, argument: str, number: signal.Signals, code: int
) -> None:
    sitecustomize = SIGNAL_AT.format(event=event, argument=argument, number=int(number))
    program = subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env={**os.environ, **patched(home, sitecustomize), 'SIGNAL_ONCE': 'yes'},
    )
    assert program.returncode == code, program.stderr
    assert 'Traceback' not in program.stderr


# A package whose import says what was decided, with the modules that Python can start.
PACKAGE = {
    '__init__.py': 'from hos_device_layer.exit_signals import is_program\n'
    "print(is_program('fleet'))\n",
    '__main__.py': '',
    'arm.py': '',
}


@pytest.mark.parametrize(
    ('arguments', 'answer'),
    [
        (['-m', 'fleet', '-m', 'x'], True),
        (['-m', 'fleet.arm'], True),
        (['-um', 'fleet.arm', 'x'], True),
        (['-mfleet'], True),
        (['-m', 'fleets'], False),
        (['-c', 'import fleet', '-m', 'fleet'], False),
    ],
)
def test_a_package_knows_whether_it_is_the_program(
    tmp_path: Path, arguments: list[str], answer: bool
) -> None:
    for folder in ('fleet', 'fleets'):
        (tmp_path / folder).mkdir()
        for name, text in PACKAGE.items():
            (tmp_path / folder / name).write_text(text)
    path = os.pathsep.join([str(tmp_path), *sys.path])
    program = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, 'PYTHONPATH': path},
    )
    assert program.stdout == f'{answer}\n', program.stderr
