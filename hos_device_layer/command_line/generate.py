"""`hos generate`: the typed functions of `gen/hos_device_api.py`."""

from __future__ import annotations

from typing import Any

from hos_generator.command import add_arguments, run


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        'generate', help="write a Python function for each of the devices' functions"
    )
    add_arguments(parser)
    parser.set_defaults(run=run)
