"""`hos db`: the specification in Airtable and its local copy."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from ..core.errors import DatabaseError
from ..core.spec import tables as t
from ..core.spec.diff import Change, diff_specs
from ..core.spec.records import Spec
from ..database import LocalCopy
from ..database.airtable.init import init_base
from ..database.airtable.problem_report import write_back
from ..database.airtable.pull import read_base
from ..database.airtable.push import push_tables
from ..database.airtable.sync_state import load_sync_state
from ..database.installed import installed_device_db
from ..database.local_copy import Version
from ..database.source import AirtableSource, describe_age, open_airtable
from .check import print_problems

# Something could not be done; 1 is for a specification with problems.
_FAILED = 2

Command = Callable[[argparse.Namespace, LocalCopy], int]


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser('db', help='the specification in Airtable and its local copy')
    commands = parser.add_subparsers(metavar='COMMAND', required=True)

    init = _add(commands, 'init', _init, 'create the tables and columns that the base lacks')
    init.add_argument(
        '--fleet',
        action='append',
        metavar='NAME',
        help='a fleet to create a table for; default: those of the local copy',
    )
    _add(commands, 'push', _push, 'bring the rows of the local copy into the base')
    pull = _add(commands, 'pull', _pull, 'fetch the base into the local copy')
    pull.add_argument(
        '--apply', action='store_true', help='have the running device manager go on with it'
    )
    check = _add(commands, 'check', _check, 'show what is wrong in the base')
    check.add_argument(
        '--local-db',
        action=argparse.BooleanOptionalAction,
        default=False,
        help='check the local copy; the network is not touched',
    )
    check.add_argument('--json', action='store_true', help='print the problems as JSON')
    check.add_argument(
        '--write-back', action='store_true', help='write each problem beside its row in the base'
    )
    _add(commands, 'history', _history, 'list the local copies before this one')
    rollback = _add(commands, 'rollback', _rollback, 'bring back a local copy from the history')
    rollback.add_argument(
        'version', nargs='?', help='as `hos db history` lists it; default: the latest'
    )


def _add(commands: Any, name: str, run: Command, help_: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=help_)
    parser.add_argument(
        '--device-db', type=Path, help='the local copy; default: the one that came with hos'
    )
    parser.add_argument(
        '--credentials',
        type=Path,
        metavar='FILE',
        help='a file with AIRTABLE_API_KEY and AIRTABLE_BASE_ID that only you may read; '
        'default: the environment',
    )
    parser.set_defaults(run=lambda arguments: _run(run, arguments))
    return parser


def _run(command: Command, arguments: argparse.Namespace) -> int:
    try:
        return command(arguments, LocalCopy(arguments.device_db or installed_device_db()))
    except DatabaseError as error:
        print(error, file=sys.stderr)
        return _FAILED


def _init(arguments: argparse.Namespace, copy: LocalCopy) -> int:
    if arguments.fleet:
        fleets = [t.fleet_table(name) for name in arguments.fleet]
    else:
        fleets = [table for table in copy.read_tables()[0] if table.startswith(t.FLEET_PREFIX)]
    memory = load_sync_state(copy.folder).remembered
    created = init_base(open_airtable(arguments.credentials), memory, fleets)
    for part in created:
        print(f'created the {part}')
    if not created:
        print('the base has all tables and columns')
    return 0


def _push(arguments: argparse.Namespace, copy: LocalCopy) -> int:
    tables, problems = copy.read_tables()
    if problems:
        # A file that cannot be read would look like a table without rows.
        raise DatabaseError('; '.join(str(problem) for problem in problems))
    memory = load_sync_state(copy.folder).remembered
    for pushed in push_tables(open_airtable(arguments.credentials), tables, memory):
        print(
            f'{pushed.table}: {pushed.added} added, {pushed.changed} changed, '
            f'{pushed.only_in_base} only in the base and left there'
        )
    return 0


def _pull(arguments: argparse.Namespace, copy: LocalCopy) -> int:
    before = copy.read() if copy.folder.is_dir() else Spec()
    source = AirtableSource(lambda: open_airtable(arguments.credentials), copy)
    after = source.pull().check()
    _print_changes(diff_specs(before, after))
    if after.problems:
        print(f'{len(after.problems)} problems; see them with `hos db check --local-db`')
    if not arguments.apply:
        return 0
    # Here, so that all else works on a machine without ROS.
    from .device_db_reload import request_reload

    return request_reload()


def _check(arguments: argparse.Namespace, copy: LocalCopy) -> int:
    if arguments.local_db:
        if arguments.write_back:
            raise DatabaseError('only problems of the base can be written back: no --local-db')
        spec = copy.read()
    else:
        airtable = open_airtable(arguments.credentials)
        reading = read_base(airtable, load_sync_state(copy.folder).remembered)
        spec = reading.check()
        if arguments.write_back:
            write_back(airtable, reading, spec.problems)
    if arguments.json:
        print(msgspec.json.encode(spec.problems).decode())
    else:
        print_problems(spec)
    return 1 if spec.problems else 0


def _history(_arguments: argparse.Namespace, copy: LocalCopy) -> int:
    present, table = copy.read(), Table('version', 'replaced', 'different now')
    for version in copy.history():
        changes = diff_specs(copy.read_version(version), present)
        age = describe_age(copy.now() - version.replaced)
        table.add_row(version.name, f'{age} ago', f'{len(changes)} cells or rows')
    Console().print(table)
    return 0


def _rollback(arguments: argparse.Namespace, copy: LocalCopy) -> int:
    before = copy.read()
    version = _find_version(copy.history(), arguments.version)
    copy.rollback(version)
    print(f'back at {version.name}')
    _print_changes(diff_specs(before, copy.read()))
    return 0


def _find_version(versions: Iterable[Version], name: str | None) -> Version:
    for version in versions:
        if name in (None, version.name):
            return version
    raise DatabaseError(f'there is no version {name or ""}; `hos db history` lists them')


def _print_changes(changes: Iterable[Change]) -> None:
    changes = tuple(changes)
    for change in changes:
        print(change)
    if not changes:
        print('nothing changed')
