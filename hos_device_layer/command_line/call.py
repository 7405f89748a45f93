"""`hos call`: call a function of a device and print its result."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
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
from .ros_session import ros_session

# The manager ends every task; this only bounds a manager that does not keep its promise [s].
_PATIENCE_S = 86_400.0


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        'call',
        help='call a function of a device',
        epilog='example: hos call H4001 delta_arm_move x=1 y=2 z=3',
    )
    parser.add_argument('device_id')
    parser.add_argument('function_name')
    parser.add_argument('arguments', nargs='*', metavar='name=value', help='in any order')
    parser.add_argument(
        '--device-db', type=Path, help="the specification's local copy; default: the sample"
    )
    parser.add_argument('--json', action='store_true', help='print the result as JSON')
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the typed result; returns 1 if the call was refused or failed."""
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
        session.spin_until(info.result.done, _PATIENCE_S)
    return _print_outcome(function, info, arguments.json)


def _find_function(arguments: argparse.Namespace) -> Function:
    spec = LocalCopy(arguments.device_db or installed_device_db()).read()
    function = spec.functions.get(arguments.function_name)
    if function is None:
        known = ', '.join(sorted(spec.functions)) or 'none'
        raise ValueError(f'no function {shortened(arguments.function_name)}; there are: {known}')
    return function


def _typed_fields(function: Function, pairs: Sequence[str]) -> list[TypedField]:
    """Return the arguments in the specification's order; the manager judges their values."""
    usage = ' '.join(f'{field.name}=…' for field in function.arguments) or 'no arguments'
    given: dict[str, str] = {}
    for pair in pairs:
        name, equals, text = pair.partition('=')
        if not equals or name in given:
            raise ValueError(f'{shortened(pair)} is no name=value; {function.name} takes {usage}')
        given[name] = text
    if given.keys() != {field.name for field in function.arguments}:
        came = ' '.join(f'{name}=…' for name in given) or 'none'
        raise ValueError(f'{function.name} takes {usage}; {came} came')
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
    took_s = outcome.response_time_s - outcome.request_time_s
    console.print(f'[green]done[/] in {took_s:.3f} s')
    values = info.parse()
    for field in function.results:
        unit = f' [dim]{escape(f"[{field.unit}]")}[/]' if field.unit else ''
        console.print(f'  {escape(field.name)} = {escape(str(values[field.name]))}{unit}')
    return 0
