"""The parameters of the device manager: declared once, with what they mean and their ranges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import InvalidParameterValueException
from rclpy.node import Node

from .core.dispatch.dispatcher import DispatcherLimits
from .core.errors import HosError
from .core.text import shortened
from .database.installed import installed_device_db
from .links.gateway import DEFAULT_PORT, GatewaySettings, default_token_file
from .task_ids import state_folder


class ParameterError(HosError, ValueError):
    """A parameter that was given has a wrong type or is out of range."""


class Parameter(msgspec.Struct, frozen=True):
    """A parameter; `low` and `high` bound numbers."""

    name: str
    default: str | int | float | bool
    description: str
    low: float = 0.0
    high: float = 1e9


# Where a specification can come from.
AIRTABLE = 'airtable'
LOCAL = 'local'

# A day: nothing here is meant to wait longer.
_MAX_S = 86_400.0

_KINDS = {str: 'a text', int: 'a whole number', float: 'a number', bool: 'true or false'}

# What every node takes that reads the specification.
FLEET = Parameter(
    'fleet', 'demo', 'The fleet to run: the table fleet-{name} of the specification.'
)
DEVICE_DB_PATH = Parameter(
    'device_db_path', '', "The local copy's folder; empty: the one that was installed."
)

PARAMETERS = (
    FLEET,
    Parameter(
        'device_db',
        LOCAL,
        f"Where the specification comes from: '{AIRTABLE}', with the local copy to fall back to, "
        f"or '{LOCAL}', which never touches the network.",
    ),
    DEVICE_DB_PATH,
    Parameter(
        'device_db_follow_interval_s',
        0.0,
        'How often Airtable is asked for changes [s], one call each time; 0: never.',
        high=_MAX_S,
    ),
    Parameter(
        'device_timeout_s',
        20.0,
        'A device that sends no ping for so long times out [s].',
        low=0.1,
        high=_MAX_S,
    ),
    Parameter(
        'device_connection_check_interval_s',
        5.0,
        'With disconnect_on_timeout_count: when a timed-out device is disconnected [s].',
        low=0.1,
        high=_MAX_S,
    ),
    Parameter(
        'disconnect_on_timeout_count',
        3,
        'A device that is timed out for so many check intervals is disconnected.',
        low=1,
        high=1_000_000,
    ),
    Parameter(
        'command_accept_timeout_s',
        5.0,
        'How long a device may take to accept a command [s].',
        low=0.1,
        high=_MAX_S,
    ),
    Parameter(
        'command_result_timeout_s',
        60.0,
        'How long an accepted command may take, where its function sets no timeout_s [s].',
        low=0.1,
        high=_MAX_S,
    ),
    Parameter(
        'max_running_tasks', 4000, 'Calls beyond so many running ones are refused.', 1, 1_000_000
    ),
    Parameter(
        'max_waiting_devices',
        1_000,
        'How many devices that are not in the fleet are remembered.',
        0,
        1_000_000,
    ),
    Parameter(
        'diagnostics_period_s',
        1.0,
        'How often the state of all devices is published on /diagnostics [s].',
        low=0.1,
        high=_MAX_S,
    ),
    Parameter(
        'state_folder',
        '',
        'Where the used task ids are kept; empty: hos_device_layer in $ROS_HOME or ~/.ros.',
    ),
    Parameter('gateway_enabled', True, 'Whether devices without ROS may connect by WebSocket.'),
    Parameter(
        'gateway_address',
        '127.0.0.1',
        'Where the gateway listens. Beyond this machine (0.0.0.0) every peer needs a token.',
    ),
    Parameter('gateway_port', DEFAULT_PORT, 'The port of the gateway; 0: a free one.', 0, 65535),
    Parameter(
        'gateway_token_file',
        '',
        'The tokens that `hos token` keeps; empty: tokens.json in ~/.config/hos_device_layer.',
    ),
    Parameter(
        'gateway_allow_anonymous_devices',
        False,
        'Whether devices need no token, on a network where nobody else can be.',
    ),
    Parameter('gateway_certificate_file', '', 'A certificate (PEM): the gateway speaks TLS.'),
    Parameter(
        'gateway_key_file', '', 'Its private key (PEM); empty: it is in the certificate file.'
    ),
    Parameter(
        'gateway_allowed_origins',
        '',
        'Web sites whose pages may connect, separated by commas, as https://lab.example.',
    ),
    Parameter(
        'gateway_ping_interval_s',
        5.0,
        'How often a silent connection is tried; a dead one is known after 1.5 of these [s].',
        low=0.1,
        high=_MAX_S,
    ),
    Parameter(
        'handlers_path',
        '',
        'The interfaces and drivers that hosts fetch; empty: the folder handlers in '
        'device_db_path.',
    ),
    Parameter(
        'expose_device_services',
        True,
        'Whether ROS nodes see the command services of gateway devices (about 200 kB each).',
    ),
)


class ManagerSettings(msgspec.Struct, frozen=True):
    """The parameters as the node was started with them."""

    fleet: str
    uses_airtable: bool
    follow_interval_s: float
    device_db_path: Path
    state_folder: Path
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
    if values['device_db'] not in (AIRTABLE, LOCAL):
        raise ParameterError(
            f"the parameter device_db is '{AIRTABLE}' or '{LOCAL}', not "
            f'{shortened(values["device_db"])}'
        )
    return ManagerSettings(
        fleet=values['fleet'],
        uses_airtable=values['device_db'] == AIRTABLE,
        follow_interval_s=values['device_db_follow_interval_s'],
        device_db_path=device_db_path,
        handlers_path=Path(values['handlers_path'] or device_db_path / 'handlers'),
        state_folder=Path(values['state_folder'] or state_folder()),
        diagnostics_period_s=values['diagnostics_period_s'],
        limits=DispatcherLimits(
            device_timeout_s=values['device_timeout_s'],
            disconnect_after_s=interval * values['disconnect_on_timeout_count'],
            command_accept_timeout_s=values['command_accept_timeout_s'],
            command_result_timeout_s=values['command_result_timeout_s'],
            max_running_tasks=values['max_running_tasks'],
            max_waiting_devices=values['max_waiting_devices'],
        ),
        gateway=_gateway_settings(values) if values['gateway_enabled'] else None,
        expose_device_services=values['expose_device_services'],
    )


def _gateway_settings(values: Mapping[str, Any]) -> GatewaySettings:
    def file(name: str) -> Path | None:
        return Path(values[name]).expanduser() if values[name] else None

    origins = (origin.strip() for origin in values['gateway_allowed_origins'].split(','))
    return GatewaySettings(
        address=values['gateway_address'],
        port=values['gateway_port'],
        token_file=file('gateway_token_file') or default_token_file(),
        allow_anonymous_devices=values['gateway_allow_anonymous_devices'],
        certificate_file=file('gateway_certificate_file'),
        key_file=file('gateway_key_file'),
        allowed_origins=tuple(origin for origin in origins if origin),
        ping_interval_s=values['gateway_ping_interval_s'],
    )


def declare(node: Node, parameters: Iterable[Parameter]) -> dict[str, Any]:
    """Declare parameters on a node and return their values by name; raises ParameterError."""
    return {parameter.name: _declare(node, parameter) for parameter in parameters}


def _declare(node: Node, parameter: Parameter) -> Any:
    # With dynamic typing `-p device_timeout_s:=20` may leave out the decimal point.
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
    if kind is str and isinstance(value, (int, float)):
        value = str(value)  # A fleet may be named 7.
    if type(value) is not kind:
        raise ParameterError(
            f'the parameter {parameter.name} must be {_KINDS[kind]}, not {shortened(value)}'
        )
    if isinstance(value, (int, float)) and not parameter.low <= value <= parameter.high:
        raise _out_of_range(parameter)
    return value


def _out_of_range(parameter: Parameter) -> ParameterError:
    return ParameterError(
        f'the parameter {parameter.name} must be in {parameter.low:.12g}..{parameter.high:.12g}; '
        f'{parameter.default} if it is not given'
    )
