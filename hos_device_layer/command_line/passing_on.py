"""Commands whose arguments another program parses."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any


def add_passing_parser(
    subparsers: Any, name: str, help_: str, run: Callable[[argparse.Namespace], int]
) -> None:
    """Add a command that gets all its arguments, also --help, as `passed_on`."""
    parser = subparsers.add_parser(name, help=help_, add_help=False)
    parser.add_argument('passed_on', nargs=argparse.REMAINDER)
    parser.set_defaults(run=run)
