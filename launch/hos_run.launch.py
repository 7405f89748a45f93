"""
Start the device manager and, on request, simulated devices or a device host.

Arguments override the values in params_file; an empty argument keeps the value of params_file.
"""

from __future__ import annotations

import sys
from pathlib import Path

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import DeclareLaunchArgument, ExecuteProcess, OpaqueFunction, Shutdown
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

# Next to this folder, both in the source tree and in an installation.
CONFIG = Path(__file__).resolve().parents[1] / 'config'
ROSBRIDGE_PORT = 9090
# The address of the gateway unless params_file changes the port.
GATEWAY_URL = 'ws://127.0.0.1:9091'
DEVICE_DB = {'--local-db': 'local', '--no-local-db': 'airtable'}

ARGUMENTS = [
    DeclareLaunchArgument(
        'fleetname',
        default_value='',
        description='Name of the fleet: the table fleet-{fleetname}. Empty: as in params_file.',
    ),
    DeclareLaunchArgument(
        'device_db',
        default_value='',
        choices=['', *DEVICE_DB],
        description='Read the specification from its local copy (--local-db) or from Airtable '
        '(--no-local-db). Empty: as in params_file.',
    ),
    DeclareLaunchArgument(
        'device_timeout_s',
        default_value='',
        description='Time without a ping after which a device times out [s]. '
        'Empty: as in params_file.',
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
        description='ROS 2 parameter file for the nodes.',
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
        'network of this computer.',
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
    params_file = Path(_argument(context, 'params_file')).expanduser().resolve()
    if not params_file.is_file():
        raise ValueError(f'params_file: expected a parameter file, found none at {params_file}')
    if _argument(context, 'host') == _argument(context, 'rosbridge') == 'true':
        raise ValueError(
            'host:=true needs the gateway, which rosbridge:=true replaces; set one of them'
        )
    shared = {
        'package': 'hos_device_layer',
        'namespace': _argument(context, 'namespace'),
        'parameters': [str(params_file), _given_parameters(context)],
        'ros_arguments': ['--log-level', _argument(context, 'log_level')],
        'output': 'screen',
        'emulate_tty': True,
    }
    return [
        # First in the list: if rosbridge_server is not installed, launch fails here, and would
        # not stop the processes that it has already started.
        Node(
            package='rosbridge_server',
            executable='rosbridge_websocket',
            # The same namespace, so that devices reach the same names through rosbridge.
            namespace=_argument(context, 'namespace'),
            parameters=[{'port': ROSBRIDGE_PORT}],
            condition=IfCondition(LaunchConfiguration('rosbridge')),
            output='screen',
        ),
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
            cmd=[sys.executable, '-m', 'hos_client.host', '--url', GATEWAY_URL],
            name='host',
            condition=IfCondition(LaunchConfiguration('host')),
            output='screen',
        ),
    ]


def _given_parameters(context: LaunchContext) -> dict[str, str | float | bool]:
    parameters: dict[str, str | float | bool] = {}
    if _argument(context, 'rosbridge') == 'true':
        parameters['gateway_enabled'] = False
    if fleet := _argument(context, 'fleetname'):
        parameters['fleet'] = fleet
    if device_db := _argument(context, 'device_db'):
        parameters['device_db'] = DEVICE_DB[device_db]
    if timeout := _argument(context, 'device_timeout_s'):
        try:
            parameters['device_timeout_s'] = float(timeout)
        except ValueError:
            raise ValueError(
                f'device_timeout_s: expected a number of seconds, found {timeout!r}'
            ) from None
    return parameters


def _argument(context: LaunchContext, name: str) -> str:
    return context.launch_configurations[name]
