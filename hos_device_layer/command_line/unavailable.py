"""A command whose dependencies are not installed."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from typing import Any

from ..dependencies import CANNOT_RUN
from .passing_on import add_passing_parser

NO_SOURCE_TREE = (
    'this installation has no tests; they are in the source checkout of hos_device_layer'
)


@dataclass(frozen=True)
class UnavailableCommand:
    """Takes the place of a command's module; it accepts any arguments and gives the reason."""

    name: str
    reason: str

    def add_parser(self, subparsers: Any) -> None:
        """Add the command to the command line, so that the help lists it."""
        add_passing_parser(subparsers, self.name, 'not available here', self.run)

    def run(self, _arguments: argparse.Namespace) -> int:
        """Print the reason; returns the exit code of a command that cannot run."""
        print(self.reason, file=sys.stderr)
        return CANNOT_RUN
