"""`hos host`: connect the devices on the serial ports and the network of this computer."""

from __future__ import annotations

import argparse
from typing import Any

from .passing_on import add_passing_parser


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    help_ = 'connect the devices on the serial ports and the network of this computer'
    add_passing_parser(subparsers, 'host', help_, run)


def run(arguments: argparse.Namespace) -> int:
    """Run the host, which parses its own options; returns the exit code."""
    # Imported here, because the import slows down the start of the other commands.
    from hos_client.host.__main__ import main

    return main(arguments.passed_on, 'hos host')
