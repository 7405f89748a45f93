"""`hos host`: make the devices on this computer's cables and networks devices of the fleet."""

from __future__ import annotations

import argparse
from typing import Any


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        'host', help='detect devices on cables and the network, and handle them', add_help=False
    )
    parser.add_argument('passed_on', nargs=argparse.REMAINDER)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the host, which reads its options itself."""
    # What it imports, the other commands do not need to wait for.
    from hos_client.host.__main__ import main

    return main(arguments.passed_on, 'hos host')
