"""The generator as a program of its own, which `ros2 run` and launch files start, too."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from .command import add_arguments, run

_ROS_ARGUMENTS = '--ros-args'
_END_OF_ROS_ARGUMENTS = '--'


def main(arguments: Sequence[str] | None = None) -> int:
    """Generate `hos_device_api.py`; returns the exit code."""
    parser = argparse.ArgumentParser(prog='hos_generator', description=__doc__)
    add_arguments(parser)
    given = sys.argv[1:] if arguments is None else arguments
    return run(parser.parse_args(without_ros_arguments(given)))


def without_ros_arguments(arguments: Sequence[str]) -> list[str]:
    """Drop what launch files add: everything from `--ros-args` to `--`, or to the end."""
    kept = []
    is_ours = True
    for argument in arguments:
        if argument == _ROS_ARGUMENTS:
            is_ours = False
        elif is_ours:
            kept.append(argument)
        elif argument == _END_OF_ROS_ARGUMENTS:
            is_ours = True
    return kept


if __name__ == '__main__':
    sys.exit(main())
