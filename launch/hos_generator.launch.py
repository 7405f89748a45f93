"""Generate hos_device_api.py, the functions of the specification, for Python programs."""

from __future__ import annotations

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.events.process import ProcessExited
from launch_ros.actions import Node

ARGUMENTS = [
    DeclareLaunchArgument(
        'device_db',
        default_value='',
        description="The folder of the specification's local copy. Empty: the installed one.",
    ),
    DeclareLaunchArgument(
        'output',
        default_value='',
        description='The file to write. Empty: hos_device_layer/gen/hos_device_api.py, where '
        'hos_device_layer is imported from.',
    ),
    DeclareLaunchArgument(
        'check',
        default_value='false',
        choices=['true', 'false'],
        description='Write nothing: tell whether the file is what would be written.',
    ),
]


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=_generator)])


def _generator(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    given = context.launch_configurations
    arguments = ['--check'] if given['check'] == 'true' else []
    for option, name in {'--device-db': 'device_db', '--output': 'output'}.items():
        if given[name]:
            arguments += [option, given[name]]
    return [
        Node(
            package='hos_device_layer',
            executable='hos_generator',
            arguments=arguments,
            output='screen',
            on_exit=_fail_with_it,
        )
    ]


def _fail_with_it(exited: ProcessExited, _: LaunchContext) -> None:
    # Of itself ros2 launch ends with code 0, and nobody would learn what `check` has found.
    if exited.returncode != 0:
        raise RuntimeError(f'the generator ended with code {exited.returncode}')
