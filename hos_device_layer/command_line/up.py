"""`hos up`: run a fleet, simulated where no real one is configured."""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import itertools
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from ..core.errors import DatabaseError
from ..database import LocalCopy
from ..database.installed import installed_device_db
from ..links.gateway import DEFAULT_PORT
from ..parameters import AIRTABLE, LOCAL

# A child that has not ended by then after SIGINT is killed [s].
_STOP_S = 5.0

# How long the gateway may take to listen before its devices are started all the same, and how
# often that is looked for [s].
_START_S = 10.0
_POLL_S = 0.05

_PR_SET_PDEATHSIG = 1  # linux/prctl.h

_MANAGER = 'hos_device_layer.device_manager'
_ROS_SIMULATION = 'hos_device_layer.testing.simulated_fleet'
_WIFI_SIMULATION = 'hos_device_layer.testing.simulated_wifi_fleet'
_HOST = 'hos_client.host'


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser('up', help='run the device manager')
    parser.add_argument('--fleet', default='demo', help='the fleet to run; default: demo')
    parser.add_argument(
        '--device-db', type=Path, help='a local copy; default: the sample that came with hos'
    )
    parser.add_argument(
        '--local-db',
        action=argparse.BooleanOptionalAction,
        default=True,
        help='take the specification from the local copy; with --no-local-db from Airtable, and '
        'from the local copy only where that does not answer',
    )
    simulate = parser.add_mutually_exclusive_group()
    simulate.add_argument(
        '--simulate',
        action='store_true',
        default=None,
        help='simulate the devices; the default with the sample',
    )
    simulate.add_argument('--no-simulate', dest='simulate', action='store_false')
    parser.add_argument(
        '--host',
        action=argparse.BooleanOptionalAction,
        help='handle the devices on the cables of this computer, as `hos host` does; the default '
        'where none are simulated',
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run until Ctrl-C or SIGTERM; returns 0, or the code of a part that ended by itself."""
    folder = arguments.device_db or installed_device_db()
    if arguments.local_db and not _has_fleet(folder, arguments.fleet):
        return 2
    simulate = arguments.simulate
    if simulate is None:
        simulate = arguments.device_db is None and arguments.local_db
    if simulate:
        print(
            f'The devices of {arguments.fleet!r} are simulated. For real ones name your own '
            'specification: hos up --device-db FOLDER --fleet NAME'
        )
    port = _gateway_port()
    print('In a second terminal: ./hos devices, ./hos watch, ./hos call. Ctrl-C ends.', flush=True)
    others = _simulations(arguments.fleet, folder, port) if simulate else []
    if not simulate if arguments.host is None else arguments.host:
        others.append(_program(_HOST, '--url', _gateway_url(port)))
    return _supervise(_manager(arguments, folder, port), others, port)


def _manager(arguments: argparse.Namespace, folder: Path, port: int) -> list[str]:
    return _program(
        _MANAGER,
        *_ros_parameters(
            fleet=arguments.fleet,
            device_db_path=folder.resolve(),
            device_db=LOCAL if arguments.local_db else AIRTABLE,
            gateway_port=port,
        ),
    )


def _simulations(fleet: str, folder: Path, port: int) -> list[list[str]]:
    """Return the programs that simulate a fleet: microcontrollers come in over WiFi."""
    path = folder.resolve()
    ros = _ros_parameters(fleet=fleet, device_db_path=path, serialized_devices='false')
    wifi = ['--fleet', fleet, '--device-db', str(path), '--url', _gateway_url(port)]
    return [_program(_ROS_SIMULATION, *ros), _program(_WIFI_SIMULATION, *wifi)]


def _program(module: str, *arguments: str) -> list[str]:
    return [sys.executable, '-m', module, *arguments]


def _ros_parameters(**values: object) -> list[str]:
    pairs = [['-p', f'{name}:={value}'] for name, value in values.items()]
    return ['--ros-args', *itertools.chain.from_iterable(pairs)]


def _gateway_url(port: int) -> str:
    return f'ws://127.0.0.1:{port}'


def _gateway_port() -> int:
    """Return a port for the gateway: the usual one unless another program has it."""
    for port in (DEFAULT_PORT, 0):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(('127.0.0.1', port))
            found: int = probe.getsockname()[1]
            if found != DEFAULT_PORT:
                print(f'Port {DEFAULT_PORT} is taken: the gateway listens on {found}.')
            return found
    raise OSError('no port is free for the gateway')


def _has_fleet(folder: Path, fleet: str) -> bool:
    """Tell whether a local copy has a fleet, and the user if it has not."""
    try:
        fleets = LocalCopy(folder).read().fleets
    except DatabaseError as error:
        print(error, file=sys.stderr)
        return False
    if fleet not in fleets:
        known = ', '.join(fleets) or 'none'
        print(f'no fleet {fleet!r} in {folder}; there are: {known}', file=sys.stderr)
    return fleet in fleets


def _supervise(manager: list[str], others: list[list[str]], port: int) -> int:
    """
    Run programs until a signal comes or one of them ends; then end the others.

    The others begin when the manager listens on its port, or does not after a while.
    """
    signals: list[int] = []

    def on_signal(number: int, _frame: FrameType | None) -> None:
        signals.append(number)
        for child in children:
            child.send_signal(signal.SIGINT)

    children: list[subprocess.Popen[bytes]] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)

    def start(command: list[str]) -> None:
        # In a session of its own, so that Ctrl-C reaches it once, through this program.
        children.append(
            subprocess.Popen(command, start_new_session=True, preexec_fn=_end_with_parent)
        )

    start(manager)
    _wait_for_port(port, lambda: bool(signals) or children[0].poll() is not None)
    for command in others:
        if not signals:
            start(command)
    code = _wait_for_one(children)
    for child in children:
        child.send_signal(signal.SIGINT)
    for child in children:
        try:
            child.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
    if signals:
        return 0
    return code or 1


def _wait_for_port(port: int, is_over: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _START_S
    while not is_over() and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            socket.create_connection(('127.0.0.1', port), _POLL_S).close()
            return
        time.sleep(_POLL_S)


def _end_with_parent() -> None:
    # Should this program be killed, no manager is left behind: prctl(2).
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


def _wait_for_one(children: list[subprocess.Popen[bytes]]) -> int:
    while True:
        for child in children:
            try:
                return child.wait(0.2)
            except subprocess.TimeoutExpired:
                continue
