"""`hos call`: call a function of a device and print its result."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from hos_interfaces.msg import TypedField

from ..core.errors import (
    ArgumentError,
    CallRefusedError,
    UnknownDeviceIdError,
    UnknownFunctionError,
)
from ..core.spec.field_types import Field
from ..core.text import shortened
from ..device_api import DeviceAPICallInfo, call_with_fields, value_dict
from ..device_api_client import client_of
from ..ros_startup import RosArgumentsError
from ..source_tree import HOS
from .fleet_query import describe_devices
from .manager_options import add_manager_options
from .ros_session import NoManagerError, RosSession, ros_session

# The device manager ends every task with its own timeout; this bounds a manager that fails to [s].
_RESULT_TIMEOUT_S = 86_400.0

_REFUSED_OR_FAILED = 1
_WRONG_ARGUMENTS = 2


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        'call',
        help='call a function of a device',
        description='Call a function of a device and wait for its result. The device manager '
        'knows the devices and functions. Exit code: 0 if the call succeeded; 1 if it was refused '
        'or failed, or no device manager answers; 2 if the arguments are wrong.',
        epilog='example: hos call H4001 delta_arm_move x=1 y=2 z=3',
    )
    parser.add_argument('device_id', help='the device, as listed by `hos devices`')
    parser.add_argument('function_name', help='the function, as named in the specification')
    parser.add_argument(
        'arguments', nargs='*', metavar='name=value', help='the arguments, in any order'
    )
    parser.add_argument('--json', action='store_true', help='print the result as JSON')
    add_manager_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Call the function and print its result; returns the exit code."""
    try:
        with ros_session(arguments) as session:
            function, info = _call(session, arguments)
            session.spin_until(info.result.done, _RESULT_TIMEOUT_S)
    except (ArgumentError, RosArgumentsError) as error:
        print(error, file=sys.stderr)
        return _WRONG_ARGUMENTS
    except (CallRefusedError, NoManagerError) as error:
        print(error, file=sys.stderr)
        return _REFUSED_OR_FAILED
    return _print_outcome(function, info, arguments.json)


def _call(
    session: RosSession, arguments: argparse.Namespace
) -> tuple[Any, DeviceAPICallInfo[Any]]:
    """Start the call; returns the description of the function, too."""
    client_of(session.node)  # Its services are discovered while the device is described.
    function = _find_function(session, arguments.device_id, arguments.function_name)
    fields = _typed_fields(arguments.device_id, function, arguments.arguments)
    info = call_with_fields(
        session.node, arguments.device_id, function.function_name, fields, value_dict
    )
    return function, info


def _find_function(session: RosSession, device_id: str, function_name: str) -> Any:
    """Return the description of a function; raises CallRefusedError."""
    answer = describe_devices(session, [device_id])
    if not answer.devices:
        everything = describe_devices(session)
        known = [device.device_id for device in everything.devices if device.device_id]
        raise UnknownDeviceIdError(
            f'no device {shortened(device_id)} in the fleet {everything.fleet!r}; '
            f'{_close_matches(device_id, known)}list the devices with: {HOS} devices',
            device_id,
            function_name,
        )
    (device,) = answer.devices
    if not device.device_type:
        text = f'the device {device_id!r} cannot be used: {device.error}'
        raise UnknownDeviceIdError(text, device_id, function_name)
    function = {f.function_name: f for f in answer.functions}.get(function_name)
    if function is None:
        raise _unknown_function(device, answer.functions, function_name)
    if function.error:
        text = f'the function {function_name!r} cannot be used: {function.error}'
        raise UnknownFunctionError(text, device_id, function_name)
    return function


def _unknown_function(
    device: Any, functions: Iterable[Any], function_name: str
) -> UnknownFunctionError:
    known = [function.function_name for function in functions if not function.error]
    text = (
        f'{device.device_type!r} ({device.device_id!r}) has no function '
        f'{shortened(function_name)}; {_close_matches(function_name, known)}'
        f'it has: {", ".join(known) or "none"}'
    )
    return UnknownFunctionError(text, device.device_id, function_name)


def _close_matches(name: str, known: Sequence[str]) -> str:
    by_lower = {candidate.lower(): candidate for candidate in known}
    close = difflib.get_close_matches(name.lower(), by_lower)
    return f'did you mean {" or ".join(by_lower[match] for match in close)}? ' if close else ''


def _typed_fields(device_id: str, function: Any, pairs: Sequence[str]) -> list[TypedField]:
    """Return the arguments in the order of the specification; the manager checks the values."""
    declared = [Field.from_text(text) for text in function.arguments]
    given: dict[str, str] = {}
    for pair in pairs:
        name, equals, text = pair.partition('=')
        if not equals or name in given:
            found = f', each once; found {shortened(pair)}'
            raise _wrong_arguments(device_id, function.function_name, declared, found)
        given[name] = text
    if given.keys() != {field.name for field in declared}:
        found = ' '.join(f'{shortened(name)[1:-1]}=…' for name in given) or 'no arguments'
        raise _wrong_arguments(device_id, function.function_name, declared, f'; found {found}')
    return [
        TypedField(name=field.name, type=field.type.value, data=given[field.name])
        for field in declared
    ]


def _wrong_arguments(
    device_id: str, function_name: str, declared: Sequence[Field], found: str
) -> ArgumentError:
    pairs = ' '.join(f'{field.name}=…' for field in declared)
    usage = f'usage: {HOS} call {device_id} {function_name} {pairs}'.rstrip()
    text = f'{function_name}: expected {pairs or "no arguments"}{found}\n{usage}'
    lines = [f'  {field.name}: {field.describe()}' for field in declared]
    return ArgumentError('\n'.join([text, *lines]), device_id, function_name)


def _print_outcome(function: Any, info: DeviceAPICallInfo[Any], as_json: bool) -> int:
    outcome = info.result.result()
    if not outcome.success:
        print(outcome.error, file=sys.stderr)
        return _REFUSED_OR_FAILED
    if as_json:
        print(outcome.result_jsons)
    else:
        duration_s = outcome.response_time_s - outcome.request_time_s
        _print_values(function, duration_s, value_dict(outcome.result_jsons))
    return 0


def _print_values(function: Any, duration_s: float, values: dict[str, Any]) -> None:
    # Imported here, because the result is worth more than the time of the import.
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False, soft_wrap=True)
    console.print(f'[green]done[/] in {duration_s:.3f} s')
    units = {field.name: field.unit for field in map(Field.from_text, function.results)}
    for name, value in values.items():
        # The specification may have been replaced since it was asked for.
        unit = units.get(name)
        shown = f' [dim]{escape(f"[{unit}]")}[/]' if unit else ''
        console.print(f'  {escape(name)} = {escape(str(value))}{shown}')
