"""`hos generate`: write typed Python functions for the functions of all devices."""

from __future__ import annotations

from typing import Any

from hos_generator.command import add_arguments, run


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        'generate',
        help='write a Python function for each device function',
        description='Write hos_device_api.py: a typed Python function for each function of the '
        'specification. Prints where the file is and how to import it.',
    )
    add_arguments(parser)
    parser.set_defaults(run=run)
