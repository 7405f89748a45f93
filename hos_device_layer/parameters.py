"""The parameters of the device manager: each is declared once, with description and range."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import msgspec
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import InvalidParameterValueException
from rclpy.node import Node

from .core.dispatch.dispatcher import DispatcherLimits
from .core.errors import HosError
from .core.rosbridge.peer_addresses import IpNetwork
from .core.text import shortened
from .database.installed import installed_device_db
from .links.gateway import (
    DEFAULT_MAX_FRAME_BYTES,
    DEFAULT_PORT,
    GatewaySettings,
    default_token_file,
)
from .paths import PathError, user_path
from .ros_arguments import quoted_texts
from .task_ids import state_folder


class ParameterError(HosError, ValueError):
    """The value of a parameter has the wrong type or is out of range."""


class Parameter(msgspec.Struct, frozen=True):
    """
    The declaration of a parameter.

    `low` and `high` are the range of a number. If `is_path`, `~` is replaced by the home folder.
    """

    name: str
    default: str | int | float | bool
    description: str
    low: float = 0.0
    high: float = 1e9
    is_path: bool = False


# The sources of a specification.
AIRTABLE = 'airtable'
LOCAL = 'local'

# One day: nothing here has to wait longer.
_MAX_S = 86_400.0

_KINDS = {str: 'a string', int: 'an integer', float: 'a number', bool: 'true or false'}

# The parameters of every node that reads the specification.
FLEET = Parameter('fleet', 'demo', 'Name of the fleet: its devices are in the table fleet-{name}.')
DEVICE_DB_PATH = Parameter(
    'device_db_path',
    '',
    'Folder of the local copy; empty: the installed device_db folder.',
    is_path=True,
)

PARAMETERS = (
    FLEET,
    Parameter(
        'device_db',
        LOCAL,
        f"Source of the specification: '{AIRTABLE}' (the local copy is used if Airtable cannot "
        f"be reached) or '{LOCAL}' (the local copy; needs no network).",
    ),
    DEVICE_DB_PATH,
    Parameter(
        'device_db_follow_interval_s',
        0.0,
        'Interval at which Airtable is checked for changes [s], one API call each; 0: never.',
        high=_MAX_S,
    ),
    Parameter(
        'device_timeout_s',
        20.0,
        'A device times out after this time without a ping [s].',
        low=0.1,
        high=_MAX_S,
    ),
    Parameter(
        'device_connection_check_interval_s',
        5.0,
        'A timed-out device is disconnected after disconnect_on_timeout_count times this '
        'interval [s].',
        low=0.1,
        high=_MAX_S,
    ),
    Parameter(
        'disconnect_on_timeout_count',
        3,
        'A timed-out device is disconnected after this number of '
        'device_connection_check_interval_s.',
        low=1,
        high=1_000_000,
    ),
    Parameter(
        'command_accept_timeout_s',
        5.0,
        'Maximum time for a device to accept a command [s].',
        low=0.1,
        high=_MAX_S,
    ),
    Parameter(
        'command_result_timeout_s',
        60.0,
        'Maximum time for an accepted command, unless its function sets timeout_s [s].',
        low=0.1,
        high=_MAX_S,
    ),
    Parameter(
        'claim_wait_s',
        0.3,
        'Time for which the device manager, as soon as it runs, listens for one on another '
        'computer in its namespace before it serves [s]. Two that are started at the same time '
        'may both serve for a moment if discovery takes longer than this.',
        high=_MAX_S,
    ),
    Parameter('max_running_tasks', 4000, 'Calls are refused while this many run.', 1, 1_000_000),
    Parameter(
        'max_waiting_devices',
        1_000,
        'Maximum number of devices that are remembered although they are not in the fleet.',
        0,
        1_000_000,
    ),
    Parameter(
        'diagnostics_period_s',
        1.0,
        'Interval at which the state of all devices is published on /diagnostics [s].',
        low=0.1,
        high=_MAX_S,
    ),
    Parameter(
        'state_folder',
        '',
        'Folder that stores the used task ids; it must be writable. Empty: hos_device_layer in '
        '$ROS_HOME or ~/.ros. (The variable ROS_LOG_DIR moves the log, which ROS writes.)',
        is_path=True,
    ),
    Parameter('gateway_enabled', True, 'Whether devices without ROS can connect by WebSocket.'),
    Parameter(
        'gateway_address',
        '127.0.0.1',
        'Address on which the gateway listens. If other machines can reach it, for example with '
        '0.0.0.0, every peer needs a token.',
    ),
    Parameter('gateway_port', DEFAULT_PORT, 'Port of the gateway; 0: any free port.', 0, 65535),
    Parameter(
        'gateway_token_file',
        '',
        'File of the tokens, edited by `hos token`; empty: tokens.json in '
        '~/.config/hos_device_layer.',
        is_path=True,
    ),
    Parameter(
        'gateway_allow_anonymous_devices',
        False,
        'Whether devices can connect without a token. Only for networks that nobody else can '
        'join.',
    ),
    Parameter(
        'gateway_require_token',
        False,
        'Whether programs on the same computer need a token as well. Set it behind a reverse '
        'proxy.',
    ),
    Parameter(
        'gateway_trusted_proxies',
        '',
        'Addresses or networks of reverse proxies, separated by commas. Only their headers '
        'Forwarded or X-Forwarded-For tell the address of a peer.',
    ),
    Parameter(
        'gateway_allowed_hosts',
        '',
        'Host names of the gateway, separated by commas, besides that of the computer. A peer '
        'that asks for another one needs a token.',
    ),
    Parameter(
        'gateway_certificate_file',
        '',
        'Certificate (PEM) for TLS; empty: the gateway uses no TLS.',
        is_path=True,
    ),
    Parameter(
        'gateway_key_file',
        '',
        'Private key (PEM) for the certificate; empty: the certificate file contains it.',
        is_path=True,
    ),
    Parameter(
        'gateway_allowed_origins',
        '',
        'Origins whose web pages may connect, separated by commas, e.g. https://lab.example.',
    ),
    Parameter(
        'gateway_max_frame_bytes',
        DEFAULT_MAX_FRAME_BYTES,
        'Maximum size of a frame, and so of a result or sample, that a peer may send [bytes]; '
        'clients learn it in the handshake.',
        low=4_096,
        high=16_777_216,
    ),
    Parameter(
        'gateway_ping_interval_s',
        5.0,
        'Interval at which silent connections are checked; a lost connection is noticed after '
        '1.5 intervals [s].',
        low=0.1,
        high=_MAX_S,
    ),
    Parameter(
        'handlers_path',
        '',
        'Folder of the interfaces and drivers that hosts download; empty: the folder handlers '
        'in device_db_path.',
        is_path=True,
    ),
    Parameter(
        'expose_device_services',
        True,
        'Whether gateway devices have command services in ROS (about 200 kB of memory each).',
    ),
)


class ManagerSettings(msgspec.Struct, frozen=True):
    """The values of the parameters that the node was started with."""

    fleet: str
    uses_airtable: bool
    follow_interval_s: float
    device_db_path: Path
    state_folder: Path
    claim_wait_s: float
    diagnostics_period_s: float
    limits: DispatcherLimits
    gateway: GatewaySettings | None
    expose_device_services: bool
    handlers_path: Path


def declare_parameters(node: Node) -> ManagerSettings:
    """Declare the device manager's parameters and read them; raises ParameterError."""
    values = declare(node, PARAMETERS)
    interval = values['device_connection_check_interval_s']
    device_db_path = Path(values['device_db_path'] or installed_device_db())
    state = Path(values['state_folder'] or state_folder())
    if values['device_db'] not in (AIRTABLE, LOCAL):
        raise ParameterError(
            f"parameter device_db: expected '{AIRTABLE}' or '{LOCAL}', got "
            f'{shortened(values["device_db"])}'
        )
    return ManagerSettings(
        fleet=values['fleet'],
        uses_airtable=values['device_db'] == AIRTABLE,
        follow_interval_s=values['device_db_follow_interval_s'],
        device_db_path=device_db_path,
        handlers_path=Path(values['handlers_path'] or device_db_path / 'handlers'),
        claim_wait_s=values['claim_wait_s'],
        state_folder=state,
        diagnostics_period_s=values['diagnostics_period_s'],
        limits=DispatcherLimits(
            device_timeout_s=values['device_timeout_s'],
            disconnect_after_s=interval * values['disconnect_on_timeout_count'],
            command_accept_timeout_s=values['command_accept_timeout_s'],
            command_result_timeout_s=values['command_result_timeout_s'],
            max_running_tasks=values['max_running_tasks'],
            max_waiting_devices=values['max_waiting_devices'],
        ),
        gateway=_gateway_settings(values, state) if values['gateway_enabled'] else None,
        expose_device_services=values['expose_device_services'],
    )


def _gateway_settings(values: Mapping[str, Any], state: Path) -> GatewaySettings:
    def file(name: str) -> Path | None:
        return Path(values[name]) if values[name] else None

    def parts(name: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in values[name].split(',') if part.strip())

    return GatewaySettings(
        address=values['gateway_address'],
        port=values['gateway_port'],
        token_file=file('gateway_token_file') or _default_token_file(state),
        allow_anonymous_devices=values['gateway_allow_anonymous_devices'],
        certificate_file=file('gateway_certificate_file'),
        key_file=file('gateway_key_file'),
        allowed_origins=parts('gateway_allowed_origins'),
        allowed_hosts=parts('gateway_allowed_hosts'),
        require_token=values['gateway_require_token'],
        trusted_proxies=tuple(map(_network, parts('gateway_trusted_proxies'))),
        ping_interval_s=values['gateway_ping_interval_s'],
        max_frame_bytes=values['gateway_max_frame_bytes'],
    )


def _network(text: str) -> IpNetwork:
    try:
        return ip_network(text)
    except ValueError as error:
        raise ParameterError(
            'parameter gateway_trusted_proxies: expected addresses or networks such as 127.0.0.1 '
            f'or 10.0.0.0/24, got {shortened(text)}: {error}'
        ) from None


def _default_token_file(state: Path) -> Path:
    try:
        return default_token_file()
    except PathError:
        return state / 'tokens.json'  # A service may have no home folder.


def local_gateway_url(values: Mapping[str, Any]) -> str:
    """Return the URL of the gateway for programs on this computer; other values are defaults."""
    given = {parameter.name: parameter.default for parameter in PARAMETERS} | dict(values)
    settings = _gateway_settings(given, state=Path())
    local = {'0.0.0.0': '127.0.0.1', '::': '::1'}  # noqa: S104
    address = local.get(settings.address, settings.address)
    return msgspec.structs.replace(settings, address=address).url(settings.port)


def main_arguments(arguments: Sequence[str] | None, parameters: Iterable[Parameter]) -> list[str]:
    """Return the arguments of a program (None: of this one), in which texts stay texts."""
    texts = {parameter.name for parameter in parameters if isinstance(parameter.default, str)}
    return quoted_texts(sys.argv if arguments is None else arguments, texts)


def declare(node: Node, parameters: Iterable[Parameter]) -> dict[str, Any]:
    """Declare parameters on a node and return their values by name; raises ParameterError."""
    return {parameter.name: _declare(node, parameter) for parameter in parameters}


def _declare(node: Node, parameter: Parameter) -> Any:
    # Dynamic typing allows `-p device_timeout_s:=20`, without a decimal point.
    descriptor = ParameterDescriptor(
        description=parameter.description, read_only=True, dynamic_typing=True
    )
    if isinstance(parameter.default, float):
        bounds = FloatingPointRange(from_value=parameter.low, to_value=parameter.high)
        descriptor.floating_point_range = [bounds]
    elif isinstance(parameter.default, int):
        limits = IntegerRange(from_value=int(parameter.low), to_value=int(parameter.high))
        descriptor.integer_range = [limits]
    try:
        value = node.declare_parameter(parameter.name, parameter.default, descriptor).value
    except InvalidParameterValueException:
        raise _out_of_range(parameter) from None
    return _converted(parameter, value)


def _converted(parameter: Parameter, value: Any) -> Any:
    kind = type(parameter.default)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not kind:
        # The text that was read as a number, perhaps 007, is not known any more.
        advice = '; put it in quotes' if kind is str else ''
        raise ParameterError(
            f'parameter {parameter.name}: expected {_KINDS[kind]}, got {shortened(value)}{advice}'
        )
    if isinstance(value, (int, float)) and not parameter.low <= value <= parameter.high:
        raise _out_of_range(parameter)
    return _expanded(parameter, value) if isinstance(value, str) else value


def _expanded(parameter: Parameter, value: str) -> str:
    try:
        return str(user_path(value)) if value and parameter.is_path else value
    except PathError as error:
        raise ParameterError(f'parameter {parameter.name}: {error}') from None


def _out_of_range(parameter: Parameter) -> ParameterError:
    return ParameterError(
        f'parameter {parameter.name}: the value is out of range; expected '
        f'{parameter.low:.12g}..{parameter.high:.12g} (default {parameter.default})'
    )
