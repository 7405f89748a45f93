"""
Start the device manager, and simulated devices beside it where asked.

An argument that is not given leaves its parameter to params_file; one that is given wins over it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import DeclareLaunchArgument, ExecuteProcess, OpaqueFunction, Shutdown
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

# Beside this folder, in the source tree as well as where colcon installs it.
CONFIG = Path(__file__).resolve().parents[1] / 'config'
ROSBRIDGE_PORT = 9090
# Where the device manager listens unless params_file says otherwise.
GATEWAY_URL = 'ws://127.0.0.1:9091'
DEVICE_DB = {'--local-db': 'local', '--no-local-db': 'airtable'}

ARGUMENTS = [
    DeclareLaunchArgument(
        'fleetname',
        default_value='',
        description='The fleet to run: the table fleet-{fleetname}. Empty: as in params_file.',
    ),
    DeclareLaunchArgument(
        'device_db',
        default_value='',
        choices=['', *DEVICE_DB],
        description='Read the specification from its local copy (--local-db), or from Airtable '
        '(--no-local-db). Empty: as in params_file.',
    ),
    DeclareLaunchArgument(
        'device_timeout_s',
        default_value='',
        description='A device that sends no ping for so many seconds times out. '
        'Empty: as in params_file.',
    ),
    DeclareLaunchArgument(
        'log_level',
        default_value='info',
        choices=['debug', 'info', 'warn', 'error', 'fatal'],
        description='What the nodes log: messages of this level and above.',
    ),
    DeclareLaunchArgument(
        'namespace',
        default_value='',
        description='Put before the name of every node, topic and service. Empty: nothing.',
    ),
    DeclareLaunchArgument(
        'params_file',
        default_value=str(CONFIG / 'hos_run.yaml'),
        description='The parameters of the nodes, as a ROS 2 parameter file.',
    ),
    DeclareLaunchArgument(
        'simulate',
        default_value='false',
        choices=['true', 'false'],
        description='Also simulate every device of the fleet.',
    ),
    DeclareLaunchArgument(
        'host',
        default_value='false',
        choices=['true', 'false'],
        description='Also make the devices on the cables of this computer devices of the fleet.',
    ),
    DeclareLaunchArgument(
        'rosbridge',
        default_value='false',
        choices=['true', 'false'],
        description='Start a rosbridge server (package rosbridge_server, port 9090) instead of '
        'the gateway, for sites that have one already. It opens the whole ROS graph, on every '
        'network of this computer. Not together with host.',
    ),
]


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=_nodes)])


def _nodes(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    params_file = Path(_argument(context, 'params_file')).expanduser().resolve()
    if not params_file.is_file():
        raise ValueError(f'params_file: there is no file {params_file}')
    if _argument(context, 'host') == _argument(context, 'rosbridge') == 'true':
        raise ValueError('host: it needs the gateway, which rosbridge replaces')
    shared = {
        'package': 'hos_device_layer',
        'namespace': _argument(context, 'namespace'),
        'parameters': [str(params_file), _given_parameters(context)],
        'ros_arguments': ['--log-level', _argument(context, 'log_level')],
        'output': 'screen',
        'emulate_tty': True,
    }
    return [
        # First: where it is not installed, launch leaves behind what it has started before.
        Node(
            package='rosbridge_server',
            executable='rosbridge_websocket',
            # In the same namespace, so that the relative names of devices mean the same.
            namespace=_argument(context, 'namespace'),
            parameters=[{'port': ROSBRIDGE_PORT}],
            condition=IfCondition(LaunchConfiguration('rosbridge')),
            output='screen',
        ),
        Node(executable='device_manager', on_exit=Shutdown(reason='no device manager'), **shared),
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
            raise ValueError(f'device_timeout_s: {timeout!r} is no number of seconds') from None
    return parameters


def _argument(context: LaunchContext, name: str) -> str:
    return context.launch_configurations[name]
