"""`hos token`: create, list and revoke gateway tokens."""

from __future__ import annotations

import argparse
import datetime
import sys
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ..core.rosbridge import Role
from ..links.gateway import TokenError, TokenFile, default_token_file
from ..paths import user_path

_MAX_UID = 2**32 - 1

# More would fill the token file; such a token may as well be for any uid.
_MAX_UIDS = 10_000


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        'token',
        help='create, list and revoke gateway tokens',
        description='Create, list and revoke the tokens that admit devices and users to the '
        'gateway. The gateway uses a change at once.',
        epilog='example: hos token add "bay 1" --role device --uid 13212703',
    )
    parser.add_argument(
        '--file',
        type=user_path,
        default=default_token_file(),
        help='the token file; default: %(default)s',
    )
    actions = parser.add_subparsers(dest='action', metavar='ACTION', required=True)
    add = actions.add_parser('add', help='create a token and print it once')
    add.add_argument('name', help='the name of the token in the list and in the log')
    add.add_argument(
        '--role',
        choices=[role.value for role in Role],
        default=Role.DEVICE.value,
        help='device: act as a device; operator: call and read; viewer: read. '
        'Default: %(default)s',
    )
    uids = add.add_mutually_exclusive_group()
    uids.add_argument(
        '--uid',
        type=_uids,
        action='extend',
        metavar='N[-M]',
        help='the uid of a device that may use the token, or a range of uids; may be repeated',
    )
    uids.add_argument(
        '--any-uid',
        action='store_true',
        help='the token may be used by any device: its bearer can act as each of them',
    )
    add.set_defaults(refuse=add.error)
    actions.add_parser('list', help='list all tokens')
    revoke = actions.add_parser('revoke', help='delete a token and close its connections')
    revoke.add_argument('name', help='the name of the token')
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the chosen action; returns 1 if it fails."""
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
    if (arguments.uid or arguments.any_uid) and role is not Role.DEVICE:
        arguments.refuse(f'--uid and --any-uid require --role device; found --role {role.value}')
    if role is Role.DEVICE and not arguments.uid and not arguments.any_uid:
        arguments.refuse(
            'a token of role device needs the uids that may use it: --uid N, --uid N-M or '
            '--any-uid'
        )
    uids = tuple(sorted(set(arguments.uid))) if arguments.uid else None
    created = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    # Only the token on standard output, so that scripts can store it.
    print(tokens.add(arguments.name, role, uids, created))
    print('Save this token: it is not stored and cannot be shown again.', file=sys.stderr)


def _list(tokens: TokenFile) -> None:
    table = Table('name', 'role', 'uids', 'created')
    for record in tokens.records():
        uids = 'any' if record.uids is None else ', '.join(map(str, record.uids))
        table.add_row(
            escape(record.name),
            record.role.value,
            uids if record.role is Role.DEVICE else '',
            record.created,
        )
    Console().print(table)


def _uids(text: str) -> range:
    first, dash, last = text.partition('-')
    uids = range(_uid(first), _uid(last if dash else first) + 1)
    if not uids:
        raise argparse.ArgumentTypeError(f'expected a range N-M with N <= M, found {text!r}')
    if len(uids) > _MAX_UIDS:
        raise argparse.ArgumentTypeError(
            f'expected at most {_MAX_UIDS} uids, found {text!r}; use --any-uid'
        )
    return uids


def _uid(text: str) -> int:
    if not text.isdecimal() or int(text) > _MAX_UID:
        raise argparse.ArgumentTypeError(f'expected 0 to {_MAX_UID}, found {text!r}')
    return int(text)
