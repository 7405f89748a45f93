"""`hos python`: run a program of one's own where rclpy and this project can be imported."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        'python',
        help='run your own program with rclpy and this project at hand',
        description='Run the Python that this project uses: hos python my_node.py --its-option',
    )
    parser.add_argument(
        'passed_on', nargs=argparse.REMAINDER, metavar='...', help='what python gets'
    )
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Become the program."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, *chosen.passed_on])
