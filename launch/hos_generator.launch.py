"""Generate hos_device_api.py: a typed Python function for each function of the specification."""

from __future__ import annotations

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.events.process import ProcessExited
from launch_ros.actions import Node

ARGUMENTS = [
    DeclareLaunchArgument(
        'device_db',
        default_value='',
        description='Folder of the local copy of the specification. Empty: the sample that is '
        'installed with hos_device_layer.',
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
    for option, name in {'--device-db': 'device_db', '--output': 'output'}.items():
        if values[name]:
            arguments += [option, values[name]]
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
