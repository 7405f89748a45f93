"""`hos token`: make, list and revoke the tokens of the gateway."""

from __future__ import annotations

import argparse
import datetime
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ..core.rosbridge import Role
from ..links.gateway import TokenError, TokenFile, default_token_file

_MAX_UID = 2**32 - 1


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        'token',
        help='make, list and revoke tokens of the gateway',
        epilog='example: hos token add "bay 1" --role device --uid 13212703',
    )
    parser.add_argument(
        '--file', type=Path, default=default_token_file(), help='default: %(default)s'
    )
    actions = parser.add_subparsers(dest='action', required=True)
    add = actions.add_parser('add', help='make a token and print it, this once')
    add.add_argument('name', help='how the token is called in the list and in the log')
    add.add_argument(
        '--role',
        choices=[role.value for role in Role],
        default=Role.DEVICE.value,
        help='device: be a device; operator: call and read; viewer: read. Default: %(default)s',
    )
    add.add_argument(
        '--uid',
        type=_uid,
        action='append',
        help='the device that the token is for; may be repeated. Default: any device',
    )
    actions.add_parser('list', help='show all tokens by name')
    revoke = actions.add_parser('revoke', help='end a token, and the connections that use it')
    revoke.add_argument('name')
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked; returns 1 if that is not possible."""
    tokens = TokenFile(arguments.file)
    try:
        if arguments.action == 'add':
            _add(tokens, arguments)
        elif arguments.action == 'revoke':
            tokens.revoke(arguments.name)
        else:
            _list(tokens)
    except TokenError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _add(tokens: TokenFile, arguments: argparse.Namespace) -> None:
    role = Role(arguments.role)
    if arguments.uid and role is not Role.DEVICE:
        raise TokenError(f'--uid is for the role device; a token of role {role.value} has none')
    uids = tuple(arguments.uid) if arguments.uid else None
    created = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    # The token alone on standard output: it can be put into a variable or a file.
    print(tokens.add(arguments.name, role, uids, created))
    print('Keep it: it is not stored and cannot be shown again.', file=sys.stderr)


def _list(tokens: TokenFile) -> None:
    table = Table('name', 'role', 'uids', 'made')
    for record in tokens.records():
        uids = 'any' if record.uids is None else ', '.join(map(str, record.uids))
        table.add_row(
            escape(record.name),
            record.role.value,
            uids if record.role is Role.DEVICE else '',
            record.created,
        )
    Console().print(table)


def _uid(text: str) -> int:
    uid = int(text)
    if not 0 <= uid <= _MAX_UID:
        raise ValueError(text)
    return uid
