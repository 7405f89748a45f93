"""Generate hos_device_api.py: a typed Python function for each function of the specification."""

from __future__ import annotations

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.events.process import ProcessExited
from launch.logging import get_logger
from launch_ros.actions import Node

ARGUMENTS = [
    DeclareLaunchArgument(
        'device_db_path',
        default_value='',
        description='Folder of the specification (the local copy, where ~ is the home folder). '
        'Empty: the sample that is installed with hos_device_layer.',
    ),
    DeclareLaunchArgument(
        'device_db',
        default_value='',
        description='Deprecated: the former name of device_db_path.',
    ),
    DeclareLaunchArgument(
        'output',
        default_value='',
        description='File to write. Empty: PACKAGE/hos_device_api.py if the current folder is the '
        'root of a ROS or Python package, else hos_device_api.py in the current folder. In a '
        'source checkout of hos_device_layer: hos_device_layer/gen/hos_device_api.py. An '
        'installation is never written to by default.',
    ),
    DeclareLaunchArgument(
        'check',
        default_value='false',
        choices=['true', 'false'],
        description='Write nothing; fail if the file is missing or out of date.',
    ),
]


def generate_launch_description() -> LaunchDescription:
    """Run the generator once."""
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=_generator)])


def _generator(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    values = context.launch_configurations
    arguments = ['--check'] if values['check'] == 'true' else []
    if values['device_db']:
        log = get_logger('hos_generator.launch.py')
        log.warning('device_db is deprecated here; use device_db_path')
    options = {
        '--device-db': values['device_db_path'] or values['device_db'],
        '--output': values['output'],
    }
    for option, value in options.items():
        if value:
            arguments += [option, value]
    return [
        Node(
            package='hos_device_layer',
            executable='hos_generator',
            arguments=arguments,
            output='screen',
            on_exit=_raise_on_failure,
        )
    ]


def _raise_on_failure(event: ProcessExited, _: LaunchContext) -> None:
    # Otherwise `ros2 launch` exits with code 0 even if the generator has failed.
    if event.returncode != 0:
        raise RuntimeError(f'the generator exited with code {event.returncode}')
