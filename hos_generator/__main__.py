"""Generates typed Python functions for the functions of all devices."""

from __future__ import annotations

if __name__ == '__main__':
    # Before the other imports.
    from hos_device_layer.exit_signals import exit_on_signals

    exit_on_signals(is_regular_end=False)

import argparse
import sys
from collections.abc import Sequence

from hos_device_layer.command_process import run_command
from hos_device_layer.exit_signals import interrupt_on_signals
from hos_device_layer.program_options import ProgramParser

from .command import add_arguments, run

_ROS_ARGUMENTS = '--ros-args'
_END_OF_ROS_ARGUMENTS = '--'


def main(arguments: Sequence[str] | None = None) -> int:
    """Generate `hos_device_api.py`; returns the exit code."""
    if arguments is None:
        return run_command('hos_generator', _run_interruptibly)
    return run(_options(arguments))


def _run_interruptibly() -> int:
    options = _options(sys.argv[1:])
    interrupt_on_signals()
    return run(options)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = ProgramParser(prog='hos_generator', description=__doc__)
    add_arguments(parser)
    return parser.parse_args(without_ros_arguments(arguments))


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
