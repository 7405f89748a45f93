"""`hos call`: call a function of a device and print its result."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from hos_interfaces.msg import TypedField
from rich.console import Console
from rich.markup import escape

from ..core.errors import DatabaseError
from ..core.spec.records import Function
from ..core.text import shortened
from ..database import LocalCopy
from ..database.installed import installed_device_db
from ..device_api import DeviceAPICallInfo, call_with_fields, value_dict
from ..paths import user_path
from .ros_session import ros_session

# The device manager ends every task with its own timeout; this bounds a manager that fails to [s].
_RESULT_TIMEOUT_S = 86_400.0


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        'call',
        help='call a function of a device',
        description='Call a function of a device and wait for its result. Exit code: 0 if the '
        'call succeeded, 1 if it was refused or failed, 2 if the arguments are wrong.',
        epilog='example: hos call H4001 delta_arm_move x=1 y=2 z=3',
    )
    parser.add_argument('device_id', help='the device, as listed by `hos devices`')
    parser.add_argument('function_name', help='the function, as named in the specification')
    parser.add_argument(
        'arguments', nargs='*', metavar='name=value', help='the arguments, in any order'
    )
    parser.add_argument(
        '--device-db',
        type=user_path,
        metavar='FOLDER',
        help='the local copy of the specification; default: the sample that is installed with hos',
    )
    parser.add_argument('--json', action='store_true', help='print the result as JSON')
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Call the function and print its result; returns the exit code."""
    try:
        function = _find_function(arguments)
        fields = _typed_fields(function, arguments.arguments)
    except (DatabaseError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    with ros_session() as session:
        info = call_with_fields(
            session.node, arguments.device_id, function.name, fields, value_dict
        )
        session.spin_until(info.result.done, _RESULT_TIMEOUT_S)
    return _print_outcome(function, info, arguments.json)


def _find_function(arguments: argparse.Namespace) -> Function:
    spec = LocalCopy(arguments.device_db or installed_device_db()).read()
    function = spec.functions.get(arguments.function_name)
    if function is None:
        known = ', '.join(sorted(spec.functions)) or 'none'
        raise ValueError(
            f'unknown function {shortened(arguments.function_name)}; '
            f'functions of the specification: {known}'
        )
    return function


def _typed_fields(function: Function, pairs: Sequence[str]) -> list[TypedField]:
    """Return the arguments in the order of the specification; the manager checks the values."""
    usage = ' '.join(f'{field.name}=…' for field in function.arguments) or 'no arguments'
    given: dict[str, str] = {}
    for pair in pairs:
        name, equals, text = pair.partition('=')
        if not equals or name in given:
            raise ValueError(
                f'{function.name}: expected {usage}, each once; found {shortened(pair)}'
            )
        given[name] = text
    if given.keys() != {field.name for field in function.arguments}:
        found = ' '.join(f'{shortened(name)[1:-1]}=…' for name in given) or 'no arguments'
        raise ValueError(f'{function.name}: expected {usage}; found {found}')
    return [
        TypedField(name=field.name, type=field.type.value, data=given[field.name])
        for field in function.arguments
    ]


def _print_outcome(function: Function, info: DeviceAPICallInfo[Any], as_json: bool) -> int:
    outcome = info.result.result()
    if not outcome.success:
        print(outcome.error, file=sys.stderr)
        return 1
    if as_json:
        print(outcome.result_jsons)
        return 0
    console = Console(highlight=False, soft_wrap=True)
    duration_s = outcome.response_time_s - outcome.request_time_s
    console.print(f'[green]done[/] in {duration_s:.3f} s')
    values = info.parse()
    for field in function.results:
        unit = f' [dim]{escape(f"[{field.unit}]")}[/]' if field.unit else ''
        console.print(f'  {escape(field.name)} = {escape(str(values[field.name]))}{unit}')
    return 0
