"""`hos up`: run the device manager, with simulated devices or a device host."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from ..core.errors import DatabaseError
from ..database import LocalCopy
from ..database.installed import installed_device_db
from ..exit_signals import EXIT_SIGNALS
from ..links.gateway import DEFAULT_PORT
from ..parameters import AIRTABLE, LOCAL
from ..parent_process import environment_of_child
from ..program_options import add_device_db_option
from ..source_tree import HOS

# A program that still runs this long after SIGINT is killed [s].
_STOP_TIMEOUT_S = 5.0

# Devices are started when the gateway listens, at the latest after the timeout [s].
_START_TIMEOUT_S = 10.0
_POLL_INTERVAL_S = 0.05

_MANAGER = 'hos_device_layer.device_manager'
_ROS_SIMULATION = 'hos_device_layer.testing.simulated_fleet'
_WIFI_SIMULATION = 'hos_device_layer.testing.simulated_wifi_fleet'
_COMMAND_LINE = 'hos_device_layer.command_line'
_NAMES = {
    _MANAGER: 'device manager',
    _ROS_SIMULATION: 'simulation of ROS devices',
    _WIFI_SIMULATION: 'simulation of gateway devices',
    _COMMAND_LINE: 'device host',
}


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        'up',
        help='run the device manager',
        description='Run the device manager until Ctrl-C, with simulated devices or a device '
        'host. Without options it runs the sample specification with simulated devices.',
    )
    parser.add_argument(
        '--fleet', default='demo', metavar='NAME', help='the fleet; default: %(default)s'
    )
    add_device_db_option(parser)
    parser.add_argument(
        '--local-db',
        action=argparse.BooleanOptionalAction,
        default=True,
        help='read the specification from the local copy (default). With --no-local-db it is read '
        'from Airtable, or from the local copy if Airtable cannot be reached',
    )
    _add_device_arguments(parser)
    parser.set_defaults(run=run)


def _add_device_arguments(parser: argparse.ArgumentParser) -> None:
    simulate = parser.add_mutually_exclusive_group()
    simulate.add_argument(
        '--simulate',
        action='store_true',
        default=None,
        help='simulate the devices of the fleet; the default for the sample',
    )
    simulate.add_argument(
        '--no-simulate',
        dest='simulate',
        action='store_false',
        help='do not simulate devices; the default with --device-db or --no-local-db',
    )
    parser.add_argument(
        '--host',
        action=argparse.BooleanOptionalAction,
        help='also run `hos host`, which connects the devices on the serial ports and the network '
        'of this computer; the default if no devices are simulated',
    )
    parser.add_argument(
        '--gateway-port',
        type=int,
        metavar='PORT',
        help=f'the port of the gateway, 0 for any free port; default: {DEFAULT_PORT}, or any free '
        'port if it is in use',
    )


def run(arguments: argparse.Namespace) -> int:
    """
    Run until Ctrl-C or SIGTERM; returns 0, or the exit code of a program that ended early.

    As in a shell, that is 128 and the number of the signal for a program that was killed by one.
    """
    folder = arguments.device_db or installed_device_db()
    if arguments.local_db and not _has_fleet(folder, arguments.fleet):
        return 2
    simulate = arguments.simulate
    if simulate is None:
        simulate = arguments.device_db is None and arguments.local_db
    if simulate:
        print(
            f'Simulating the devices of fleet {arguments.fleet!r}. To connect real devices, use '
            f'your own specification: {HOS} up --device-db FOLDER --fleet NAME'
        )
    port = _choose_gateway_port(arguments.gateway_port)
    print(
        f'Try in a second terminal: {HOS} devices, {HOS} watch, {HOS} call. Press Ctrl-C to stop.',
        flush=True,
    )
    device_programs = _simulations(arguments.fleet, folder, port) if simulate else []
    if not simulate if arguments.host is None else arguments.host:
        device_programs.append(_program(_COMMAND_LINE, 'host', '--url', _gateway_url(port)))
    return _supervise(_manager(arguments, folder, port), device_programs, port)


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
    """Return the programs that simulate a fleet: ROS devices, and devices at the gateway."""
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


def _choose_gateway_port(requested: int | None) -> int:
    """Return the requested port (0: any free one), else the default port or a free one."""
    if requested:
        return requested
    if requested is None:
        with contextlib.suppress(OSError):
            return _free_port(DEFAULT_PORT)
    port = _free_port(0)
    if requested is None:
        print(f'Port {DEFAULT_PORT} is in use; the gateway listens on port {port}.')
    return port


def _free_port(port: int) -> int:
    """Return the port, or any free one for 0; raises OSError if it is in use."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(('127.0.0.1', port))
        bound: int = probe.getsockname()[1]
        return bound


def _has_fleet(folder: Path, fleet: str) -> bool:
    """Return whether the local copy has the fleet; if not, print why."""
    try:
        fleets = LocalCopy(folder).read().fleets
    except DatabaseError as error:
        print(error, file=sys.stderr)
        return False
    if fleet not in fleets:
        known = ', '.join(fleets) or 'none'
        print(
            f'unknown fleet {fleet!r}; fleets of the specification in {folder}: {known}',
            file=sys.stderr,
        )
    return fleet in fleets


def _supervise(manager: list[str], device_programs: list[list[str]], port: int) -> int:
    """
    Run all programs until a signal arrives or one of them ends; then stop them all.

    The device programs start when the manager listens on the port, at the latest after
    `_START_TIMEOUT_S`.
    """
    # The programs inherit the mask: a signal reaches them when they are ready to end with code 0.
    signal.pthread_sigmask(signal.SIG_BLOCK, EXIT_SIGNALS)
    children: list[subprocess.Popen[bytes]] = []

    def start(command: list[str]) -> None:
        # In its own session, so that it gets Ctrl-C once: from this program, not the terminal.
        children.append(
            subprocess.Popen(
                command, start_new_session=True, env={**os.environ, **environment_of_child()}
            )
        )

    start(manager)
    _wait_for_port(port, lambda: _is_signalled() or children[0].poll() is not None)
    for command in device_programs:
        if not _is_signalled():
            start(command)
    ended = _wait_for_first_exit(children)
    if ended is not None:
        print(f'{_describe_end(ended)}; stopping the others', file=sys.stderr, flush=True)
    _stop(children)
    return 0 if ended is None else _exit_code(ended)


def _is_signalled() -> bool:
    return not signal.sigpending().isdisjoint(EXIT_SIGNALS)


def _stop(children: list[subprocess.Popen[bytes]]) -> None:
    for child in children:
        child.send_signal(signal.SIGINT)
    for child in children:
        try:
            child.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            child.kill()


def _wait_for_port(port: int, is_cancelled: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while not is_cancelled() and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            socket.create_connection(('127.0.0.1', port), _POLL_INTERVAL_S).close()
            return
        time.sleep(_POLL_INTERVAL_S)


def _wait_for_first_exit(
    children: list[subprocess.Popen[bytes]],
) -> subprocess.Popen[bytes] | None:
    """Return the first program that ends; None if a signal comes before."""
    while not _is_signalled():
        for child in children:
            if child.poll() is not None:
                return child
        time.sleep(_POLL_INTERVAL_S)
    return None


def _describe_end(program: subprocess.Popen[bytes]) -> str:
    module = cast(list[str], program.args)[2]
    name, code = f'the {_NAMES[module]} (process {program.pid})', program.returncode
    if code < 0:
        return f'{name} was killed by {signal.Signals(-code).name}'
    return f'{name} ended with exit code {code}'


def _exit_code(program: subprocess.Popen[bytes]) -> int:
    code = program.returncode
    return 128 - code if code < 0 else code or 1
