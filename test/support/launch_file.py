"""Executes a launch file as `ros2 launch` does: `python launch_file.py FILE name:=value …`."""

from __future__ import annotations

import sys

from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource


def main(path: str, *assignments: str) -> int:
    arguments = [tuple(assignment.split(':=', 1)) for assignment in assignments]
    include = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(path), launch_arguments=arguments
    )
    service = LaunchService(argv=assignments)
    service.include_launch_description(LaunchDescription([include]))
    code: int = service.run()
    return code


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
