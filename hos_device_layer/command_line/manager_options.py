"""The options of the commands that talk to a running device manager."""

from __future__ import annotations

import argparse


def add_manager_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where the device manager is."""
    parser.add_argument(
        '--namespace',
        default='/',
        metavar='NAMESPACE',
        help='the ROS namespace of the device manager; default: %(default)s',
    )
    parser.add_argument(
        '--ros-args',
        nargs=argparse.REMAINDER,
        default=[],
        metavar='...',
        help='arguments of ROS 2, such as -r FROM:=TO; must come last',
    )
