"""`hos db`: manage the specification in Airtable and its local copy."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from ..core.errors import DatabaseError
from ..core.spec import tables as t
from ..core.spec.diff import Change, diff_specs
from ..core.spec.records import Spec
from ..core.text import counted
from ..database import LocalCopy
from ..database.airtable.init import init_base
from ..database.airtable.problem_report import write_back
from ..database.airtable.pull import read_base
from ..database.airtable.push import push_tables
from ..database.airtable.sync_state import load_sync_state
from ..database.installed import installed_device_db
from ..database.local_copy import Version
from ..database.source import AirtableSource, describe_age, open_airtable
from ..paths import user_path
from ..program_options import add_device_db_option
from ..source_tree import HOS
from .check import print_problems
from .manager_options import add_manager_options

# The exit code if a command fails; 1 is for a specification with problems.
_FAILED = 2

_RELOAD = 'let the running device manager read its specification again'

Command = Callable[[argparse.Namespace, LocalCopy], int]


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        'db',
        help='manage the specification in Airtable and its local copy',
        description='Manage the specification in Airtable and its local copy. Exit code: 0 on '
        'success, 1 if `check` finds problems, 2 if the command fails.',
    )
    commands = parser.add_subparsers(metavar='COMMAND', required=True)

    init = _add(commands, 'init', _init, 'create the missing tables and columns of the base')
    init.add_argument(
        '--fleet',
        action='append',
        metavar='NAME',
        help='create the table of this fleet; may be repeated. Default: the fleets of the local '
        'copy',
    )
    _add(commands, 'push', _push, 'copy the rows of the local copy to the base')
    pull = _add(commands, 'pull', _pull, 'copy the base to the local copy')
    pull.add_argument(
        '--apply',
        action='store_true',
        help='also reload the specification in the running device manager',
    )
    add_manager_options(pull)
    reload = commands.add_parser('reload', help=_RELOAD, description=f'{_RELOAD.capitalize()}.')
    add_manager_options(reload)
    reload.set_defaults(run=_reload)
    check = _add(commands, 'check', _check, 'report the problems of the base')
    check.add_argument(
        '--local-db',
        action=argparse.BooleanOptionalAction,
        default=False,
        help='check the local copy instead, without network access',
    )
    check.add_argument('--json', action='store_true', help='print the problems as JSON')
    check.add_argument(
        '--write-back', action='store_true', help='write each problem into its row of the base'
    )
    _add(commands, 'history', _history, 'list the earlier versions of the local copy')
    rollback = _add(commands, 'rollback', _rollback, 'restore an earlier version')
    rollback.add_argument(
        'version', nargs='?', help='a version that `hos db history` lists; default: the latest'
    )


def _add(commands: Any, name: str, run: Command, help_: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=help_)
    add_device_db_option(parser)
    parser.add_argument(
        '--credentials',
        type=user_path,
        metavar='FILE',
        help='a file with AIRTABLE_API_KEY and AIRTABLE_BASE_ID, readable by you alone; '
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
        print('all tables and columns exist')
    return 0


def _push(arguments: argparse.Namespace, copy: LocalCopy) -> int:
    tables = copy.read_whole_tables()
    memory = load_sync_state(copy.folder).remembered
    for pushed in push_tables(open_airtable(arguments.credentials), tables, memory):
        print(
            f'{pushed.table}: {pushed.added} added, {pushed.changed} changed, '
            f'{pushed.only_in_base} only in the base (kept)'
        )
    return 0


def _pull(arguments: argparse.Namespace, copy: LocalCopy) -> int:
    before = copy.read() if copy.folder.is_dir() else Spec()
    source = AirtableSource(lambda: open_airtable(arguments.credentials), copy)
    after = source.pull().check()
    _print_changes(diff_specs(before, after))
    if after.problems:
        print(
            f'{counted(len(after.problems), "problem")}; see them with `{HOS} db check --local-db`'
        )
    return _reload(arguments) if arguments.apply else 0


def _reload(arguments: argparse.Namespace) -> int:
    # Imported here, so that the other commands work without ROS.
    from .device_db_reload import request_reload

    return request_reload(arguments)


def _check(arguments: argparse.Namespace, copy: LocalCopy) -> int:
    if arguments.local_db:
        if arguments.write_back:
            raise DatabaseError(
                '--write-back writes to the base; it cannot be combined with --local-db'
            )
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
    current, table = copy.read(), Table('version', 'replaced', 'changes since')
    for version in copy.history():
        changes = diff_specs(copy.read_version(version), current)
        age = describe_age(copy.now() - version.replaced)
        table.add_row(version.name, f'{age} ago', counted(len(changes), 'change'))
    Console().print(table)
    return 0


def _rollback(arguments: argparse.Namespace, copy: LocalCopy) -> int:
    before = copy.read()
    version = _find_version(copy.history(), arguments.version)
    copy.rollback(version)
    print(f'restored {version.name}')
    _print_changes(diff_specs(before, copy.read()))
    return 0


def _find_version(versions: Iterable[Version], name: str | None) -> Version:
    for version in versions:
        if name in (None, version.name):
            return version
    if name is None:
        raise DatabaseError('there is no earlier version')
    raise DatabaseError(f'unknown version {name!r}; list the versions with `{HOS} db history`')


def _print_changes(changes: Iterable[Change]) -> None:
    changes = tuple(changes)
    for change in changes:
        print(change)
    if not changes:
        print('no changes')
