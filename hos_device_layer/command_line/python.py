"""`hos python`: run a Python program that can import rclpy and this project."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        'python',
        help='run a Python program that can import rclpy and this project',
        description='Run the Python interpreter of this project with the given arguments.',
        epilog='example: hos python my_node.py --option',
    )
    parser.add_argument(
        'passed_on', nargs=argparse.REMAINDER, metavar='...', help='arguments of the interpreter'
    )
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Replace this process by the interpreter."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, *chosen.passed_on])
