"""`hos devices`: list the devices of the running fleet with their states."""

from __future__ import annotations

import argparse
import sys
from typing import Any

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ..core.dispatch.connection_states import ConnectionState
from ..core.text import local_time
from ..ros_startup import RosArgumentsError
from .fleet_query import describe_devices
from .manager_options import add_manager_options
from .ros_session import NoManagerError, ros_session

_STATE_COLOURS = {
    'connected': 'green',
    'timed out': 'yellow',
    'waiting': 'yellow',
    'disconnected': 'red',
}


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        'devices',
        help='list the devices of the running fleet',
        description='List the devices of the running fleet with their states. Devices that '
        'connect or ping without a row in the fleet are listed as waiting, with the description '
        'that they send of themselves. Exit code: 0, 1 if no device manager answers, 2 if the '
        'arguments are wrong.',
    )
    parser.add_argument('--json', action='store_true', help='print the devices as JSON')
    add_manager_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the devices; returns 1 if no device manager answers."""
    try:
        with ros_session(arguments) as session:
            rows = [_row(device) for device in describe_devices(session).devices]
    except (NoManagerError, RosArgumentsError) as error:
        print(error, file=sys.stderr)
        return 1 if isinstance(error, NoManagerError) else 2
    if arguments.json:
        print(msgspec.json.encode(rows).decode())
    else:
        Console().print(_table(rows))
    return 0


def _row(device: Any) -> dict[str, str]:
    """Return a device as texts, by the names that /diagnostics also uses."""
    return {
        'device_id': device.device_id,
        'device_uid': str(device.device_uid) if device.has_uid else '',
        'device_type': device.device_type,
        'state': device.state,
        'since_s': _seconds(device.since_s),
        'last_seen_s': _seconds(device.last_seen_s),
        'description': device.description,
        'error': device.error,
        'tasks': str(device.tasks),
    }


def _seconds(epoch_s: float) -> str:
    return f'{epoch_s:.3f}' if epoch_s else ''


def _table(rows: list[dict[str, str]]) -> Table:
    table = Table('device', 'type', 'uid', 'state', 'since', 'tasks', 'description')
    for row in rows:
        state = row['state']
        table.add_row(
            escape(row['device_id']) or '?',
            escape(row['device_type'] or _why_no_type(row)),
            row['device_uid'] or 'unknown',
            f'[{_STATE_COLOURS.get(state, "default")}]{state}',
            _since(row) if state != ConnectionState.EXPECTED.value else '',
            row['tasks'],
            escape(row['description'] or row['error']),
        )
    return table


def _why_no_type(row: dict[str, str]) -> str:
    return 'rejected' if row['device_id'] else 'not in the fleet'


def _since(row: dict[str, str]) -> str:
    return local_time(float(row['since_s'] or 0.0), '%H:%M:%S')
