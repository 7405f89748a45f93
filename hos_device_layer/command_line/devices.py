"""`hos devices`: list the devices of the running fleet with their states."""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

import msgspec
from diagnostic_msgs.msg import DiagnosticArray
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ..core.dispatch.connection_states import ConnectionState
from ..diagnostics import DIAGNOSTICS_TOPIC
from ..qos import DIAGNOSTICS_QOS
from .ros_session import MANAGER_TIMEOUT_S, NO_MANAGER, ros_session

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
        'that they send of themselves.',
    )
    parser.add_argument('--json', action='store_true', help='print the devices as JSON')
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the devices; returns 1 if no device manager answers."""
    devices = _read_devices()
    if devices is None:
        print(NO_MANAGER, file=sys.stderr)
        return 1
    if arguments.json:
        print(msgspec.json.encode(devices).decode())
    else:
        Console().print(_table(devices))
    return 0


def _read_devices() -> list[dict[str, str]] | None:
    start_s = time.time()
    found: list[list[dict[str, str]]] = []

    def on_diagnostics(message: Any) -> None:
        # Other nodes publish on this topic too, and a kept message may be from an earlier manager.
        rows = _device_rows(message)
        if rows is not None and message.header.stamp.sec >= int(start_s):
            found.append(rows)

    with ros_session() as session:
        session.node.create_subscription(
            DiagnosticArray, DIAGNOSTICS_TOPIC, on_diagnostics, DIAGNOSTICS_QOS
        )
        session.spin_until(lambda: found, MANAGER_TIMEOUT_S)
    return found[0] if found else None


def _device_rows(message: Any) -> list[dict[str, str]] | None:
    """Return the devices in a message; None if it is not from the device manager."""
    statuses = [{pair.key: pair.value for pair in status.values} for status in message.status]
    if not any('fleet' in values for values in statuses):
        return None
    rows = [values for values in statuses if 'device_uid' in values]
    return sorted(rows, key=lambda row: (row['device_id'] == '', row['device_id']))


def _table(devices: list[dict[str, str]]) -> Table:
    table = Table('device', 'type', 'uid', 'state', 'since', 'tasks', 'description')
    for row in devices:
        state = row['state']
        table.add_row(
            escape(row['device_id']) or '?',
            escape(row['device_type']) or 'not in the fleet',
            row['device_uid'] or 'unknown',
            f'[{_STATE_COLOURS.get(state, "default")}]{state}',
            _since(row) if state != ConnectionState.EXPECTED.value else '',
            row['tasks'],
            escape(row.get('description', '')),
        )
    return table


def _since(row: dict[str, str]) -> str:
    return time.strftime('%H:%M:%S', time.localtime(float(row['since_s'])))
