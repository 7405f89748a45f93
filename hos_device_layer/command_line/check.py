"""`hos check`: report the problems of a specification."""

from __future__ import annotations

import argparse
import sys
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from ..core.errors import DatabaseError
from ..core.spec.records import Spec
from ..core.text import counted
from ..database import LocalCopy
from ..database.installed import installed_device_db
from ..paths import user_path
from ..program_options import add_device_db_option


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        'check',
        help='report the problems of a specification',
        description='Report the problems of a specification: table, row, column and reason. '
        'Exit code: 0 if there are none, 1 if there are any or it cannot be read.',
    )
    copy = parser.add_mutually_exclusive_group()
    copy.add_argument('folder', type=user_path, nargs='?', help='the same as --device-db')
    add_device_db_option(copy)
    parser.add_argument('--json', action='store_true', help='print the problems as JSON')
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the problems; returns the exit code."""
    try:
        spec = LocalCopy(arguments.folder or arguments.device_db or installed_device_db()).read()
    except DatabaseError as error:
        print(error, file=sys.stderr)
        return 1
    if arguments.json:
        print(msgspec.json.encode(spec.problems).decode())
    else:
        print_problems(spec)
    return 1 if spec.problems else 0


def print_problems(spec: Spec) -> None:
    """Print the problems as a table, then a line that counts the contents."""
    console = Console()
    if spec.problems:
        table = Table('table', 'row', 'column', 'problem')
        for problem in spec.problems:
            table.add_row(problem.table, problem.row, problem.column, problem.text)
        console.print(table)
    fleets = ', '.join(f'{name} ({len(devices)})' for name, devices in spec.fleets.items())
    console.print(
        f'{counted(len(spec.problems), "problem")}; '
        f'{counted(len(spec.device_types), "device type")}, '
        f'{counted(len(spec.functions), "function")}, {counted(len(spec.streams), "stream")}; '
        f'fleets: {fleets or "none"}',
        highlight=False,
        soft_wrap=True,
    )
