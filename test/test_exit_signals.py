"""Programs end with code 0 and without a traceback when a signal comes while they start."""

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

# Programs, and what they do when the signal comes.
MOMENTS = [
    (MANAGER, 'import', 'msgspec', signal.SIGTERM),
    (MANAGER, 'import', 'rclpy', signal.SIGINT),
    (MANAGER, 'import', 'aiohttp', signal.SIGTERM),
    (MANAGER, 'open', 'fleet-demo.yaml', signal.SIGINT),
    (SIMULATED_FLEET, 'import', 'rclpy', signal.SIGINT),
    (SIMULATED_FLEET, 'open', 'fleet-demo.yaml', signal.SIGTERM),
    (WIFI_FLEET, 'import', 'msgspec', signal.SIGINT),
    (WIFI_FLEET, 'open', 'fleet-demo.yaml', signal.SIGTERM),
    (INSTALLED_HOST, 'import', 'msgspec', signal.SIGINT),
    (HOST, 'open', 'host.lock', signal.SIGTERM),
    (DEMO_DEVICE, 'socket.connect', '', signal.SIGTERM),
    (AIRTABLE, 'socket.bind', '', signal.SIGTERM),
    (UP, 'import', 'rclpy', signal.SIGINT),
    (UP, 'open', 'fleet-demo.yaml', signal.SIGTERM),
    (UP, 'subprocess.Popen', '', signal.SIGINT),
    (HOST_COMMAND, 'import', 'msgspec', signal.SIGINT),
]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home folder in which the programs find no settings and store what they want."""
    for name in ('HOME', 'ROS_HOME', 'XDG_STATE_HOME', 'XDG_CONFIG_HOME'):
        monkeypatch.setenv(name, str(tmp_path))
    yield tmp_path


@pytest.mark.parametrize(
    ('command', 'event', 'argument', 'number'),
    MOMENTS,
    ids=[f'{" ".join(command[1:])}-{event}-{argument}' for command, event, argument, _ in MOMENTS],
)
def test_a_signal_while_a_program_starts_ends_it(
    home: Path, command: list[str], event: str, argument: str, number: signal.Signals
) -> None:
    code = SIGNAL_AT.format(event=event, argument=argument, number=int(number))
    program = subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env={**os.environ, **patched(home, code), 'SIGNAL_ONCE': 'yes'},
    )
    assert program.returncode == 0, program.stderr
    assert 'Traceback' not in program.stderr
