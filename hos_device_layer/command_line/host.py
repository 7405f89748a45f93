"""`hos host`: connect the devices on the serial ports and the network of this computer."""

from __future__ import annotations

import argparse
from typing import Any


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        'host',
        help='connect the devices on the serial ports and the network of this computer',
        add_help=False,
    )
    parser.add_argument('passed_on', nargs=argparse.REMAINDER)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the host, which parses its own options; returns the exit code."""
    # Imported here, because the import slows down the start of the other commands.
    from hos_client.host.__main__ import main

    return main(arguments.passed_on, 'hos host')
