"""
Start the device manager and, on request, simulated devices or a device host.

Arguments override the values in params_file; an empty argument keeps the value of params_file.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml
from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    OpaqueFunction,
    RegisterEventHandler,
    Shutdown,
)
from launch.conditions import IfCondition
from launch.event_handlers import OnShutdown
from launch.logging import get_logger
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterFile

from hos_device_layer.parent_process import environment_of_child
from hos_device_layer.ros_arguments import node_parameters, parameter_file

# Next to this folder, both in the source tree and in an installation.
CONFIG = Path(__file__).resolve().parents[1] / 'config'
ROSBRIDGE_PORT = 9090
MANAGER = 'device_manager'
SIMULATION = 'simulated_fleet'
DEVICE_DB = ['airtable', 'local']
DEPRECATED_DEVICE_DB = {'--local-db': 'local', '--no-local-db': 'airtable'}

ARGUMENTS = [
    DeclareLaunchArgument(
        'fleetname',
        default_value='',
        description='Name of the fleet: the table fleet-{fleetname}. Empty: as in params_file.',
    ),
    DeclareLaunchArgument(
        'device_db_path',
        default_value='',
        description='Folder of the specification (the local copy, where ~ is the home folder). '
        'Empty: as in params_file, or the sample that is installed with hos_device_layer.',
    ),
    DeclareLaunchArgument(
        'device_db',
        default_value='',
        choices=['', *DEVICE_DB, *DEPRECATED_DEVICE_DB],
        description='Source of the specification: airtable (the local copy is used if Airtable '
        'cannot be reached) or local (the local copy). Empty: as in params_file. --local-db and '
        '--no-local-db are deprecated.',
    ),
    DeclareLaunchArgument(
        'device_timeout_s',
        default_value='',
        description='Time without a ping after which a device times out [s]. '
        'Empty: as in params_file.',
    ),
    DeclareLaunchArgument(
        'gateway_port',
        default_value='',
        description='Port of the gateway; 0: any free port. Empty: as in params_file.',
    ),
    DeclareLaunchArgument(
        'gateway_address',
        default_value='',
        description='Address on which the gateway listens. If other machines can reach it, for '
        'example with 0.0.0.0, every peer needs a token. Empty: as in params_file.',
    ),
    DeclareLaunchArgument(
        'log_level',
        default_value='info',
        choices=['debug', 'info', 'warn', 'error', 'fatal'],
        description='Lowest level of the messages that the nodes log.',
    ),
    DeclareLaunchArgument(
        'namespace',
        default_value='',
        description='Namespace of every node, topic and service. Empty: the root namespace.',
    ),
    DeclareLaunchArgument(
        'params_file',
        default_value=str(CONFIG / 'hos_run.yaml'),
        description='ROS 2 parameter file for the nodes; it may contain substitutions such as '
        '$(find-pkg-share my_lab).',
    ),
    DeclareLaunchArgument(
        'simulate',
        default_value='false',
        choices=['true', 'false'],
        description='Simulate every device of the fleet.',
    ),
    DeclareLaunchArgument(
        'host',
        default_value='false',
        choices=['true', 'false'],
        description='Run a device host, which connects the devices on the serial ports and the '
        'network of this computer, to the gateway.',
    ),
    DeclareLaunchArgument(
        'rosbridge',
        default_value='false',
        choices=['true', 'false'],
        description='Start a rosbridge server (package rosbridge_server, port 9090) in place of '
        'the gateway, for sites that already use one. It exposes the whole ROS graph on every '
        'network of this computer. Cannot be combined with host.',
    ),
]


def generate_launch_description() -> LaunchDescription:
    """Run the device manager; the launch ends when it ends."""
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=_nodes)])


def _nodes(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    file = _params_file(context)
    given = _given_parameters(context)
    host_url = _gateway_url(context, file, given) if _is_true(context, 'host') else ''
    own_file = _written({MANAGER: given, SIMULATION: given})
    shared: dict[str, Any] = {
        'package': 'hos_device_layer',
        'namespace': _argument(context, 'namespace'),
        'parameters': [file, own_file],
        'ros_arguments': ['--log-level', _argument(context, 'log_level')],
        'additional_env': environment_of_child(),
        'output': 'screen',
        'emulate_tty': True,
    }
    return [
        # First in the list: if rosbridge_server is not installed, launch fails here, and would
        # not stop the processes that it has already started.
        _rosbridge(context),
        Node(
            executable='device_manager',
            on_exit=Shutdown(reason='the device manager has ended'),
            **shared,
        ),
        Node(
            executable='simulated_fleet',
            condition=IfCondition(LaunchConfiguration('simulate')),
            **shared,
        ),
        ExecuteProcess(
            cmd=[sys.executable, '-m', 'hos_client.host', '--url', host_url],
            name='host',
            additional_env=environment_of_child(),
            condition=IfCondition(LaunchConfiguration('host')),
            output='screen',
        ),
        RegisterEventHandler(OnShutdown(on_shutdown=lambda *_: Path(own_file).unlink(True))),
    ]


def _rosbridge(context: LaunchContext) -> Node:
    # It is not ours, so the kernel must end it if `ros2 launch` is killed.
    setpriv = shutil.which('setpriv')
    return Node(
        package='rosbridge_server',
        executable='rosbridge_websocket',
        # The same namespace, so that devices reach the same names through rosbridge.
        namespace=_argument(context, 'namespace'),
        parameters=[{'port': ROSBRIDGE_PORT}],
        prefix=f'{setpriv} --pdeathsig TERM' if setpriv else '',
        condition=IfCondition(LaunchConfiguration('rosbridge')),
        output='screen',
    )


def _params_file(context: LaunchContext) -> ParameterFile:
    path = Path(_argument(context, 'params_file')).expanduser().resolve()
    if not path.is_file():
        raise ValueError(f'params_file: expected a parameter file, found none at {path}')
    return ParameterFile(str(path), allow_substs=True)


def _written(parameters: dict[str, dict[str, Any]]) -> str:
    """Return a new parameter file; launch_ros would make numbers of some texts."""
    with tempfile.NamedTemporaryFile(
        'w', prefix='hos_run_', suffix='.yaml', delete=False, encoding='utf-8'
    ) as file:
        file.write(parameter_file(parameters))
    return file.name


def _given_parameters(context: LaunchContext) -> dict[str, Any]:
    """Return the parameters that arguments set."""
    parameters: dict[str, Any] = {
        name: value
        for name in ('device_db_path', 'gateway_address')
        if (value := _argument(context, name))
    }
    if fleet := _argument(context, 'fleetname'):
        parameters['fleet'] = fleet
    if device_db := _argument(context, 'device_db'):
        parameters['device_db'] = _source(device_db)
    if timeout := _argument(context, 'device_timeout_s'):
        parameters['device_timeout_s'] = _number(
            'device_timeout_s', timeout, float, 'a number of seconds'
        )
    if port := _argument(context, 'gateway_port'):
        parameters['gateway_port'] = _number('gateway_port', port, int, 'the number of a port')
    if _is_true(context, 'rosbridge'):
        parameters['gateway_enabled'] = False
    return parameters


def _source(device_db: str) -> str:
    source = DEPRECATED_DEVICE_DB.get(device_db)
    if source is None:
        return device_db
    log = get_logger('hos_run.launch.py')
    log.warning(f'device_db:={device_db} is deprecated; use device_db:={source}')
    return source


def _number(name: str, text: str, kind: type[int] | type[float], expected: str) -> float:
    try:
        return kind(text)
    except ValueError:
        raise ValueError(f'{name}: expected {expected}, found {text!r}') from None


def _gateway_url(context: LaunchContext, file: ParameterFile, given: dict[str, Any]) -> str:
    """Return the URL of the gateway for the host; sets the port in `given` if any will do."""
    # Imported here, because `ros2 launch -s` needs no gateway.
    from hos_device_layer.parameters import local_gateway_url

    if _is_true(context, 'rosbridge'):
        raise ValueError(
            'host:=true needs the gateway, which rosbridge:=true replaces; set one of them'
        )
    content = yaml.safe_load(Path(file.evaluate(context)).read_text(encoding='utf-8'))
    base = context.launch_configurations.get('ros_namespace', '')
    parts = f'{base}/{_argument(context, "namespace")}/{MANAGER}'.split('/')
    name = ''.join(f'/{part}' for part in parts if part)
    values = node_parameters(content, name) | given
    if values.get('gateway_enabled') is False:
        raise ValueError(
            'host:=true needs the gateway; set gateway_enabled to true in params_file'
        )
    if values.get('gateway_port') == 0:
        with contextlib.closing(socket.create_server(('127.0.0.1', 0))) as probe:
            values['gateway_port'] = given['gateway_port'] = probe.getsockname()[1]
    return local_gateway_url(values)


def _argument(context: LaunchContext, name: str) -> str:
    return context.launch_configurations[name]


def _is_true(context: LaunchContext, name: str) -> bool:
    return _argument(context, name) == 'true'
