"""Generates typed Python functions for the functions of all devices."""

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
    """Remove the arguments that launch adds: from each `--ros-args` to `--` or the end."""
    kept = []
    in_ros_arguments = False
    for argument in arguments:
        if argument == _ROS_ARGUMENTS:
            in_ros_arguments = True
        elif not in_ros_arguments:
            kept.append(argument)
        elif argument == _END_OF_ROS_ARGUMENTS:
            in_ros_arguments = False
    return kept


if __name__ == '__main__':
    sys.exit(main())
