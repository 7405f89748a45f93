"""Command-line options that several programs share, and what all their arguments have to be."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .core.text import not_utf8
from .paths import user_path

_DEVICE_DB_OPTIONS = ('--device-db', '--device-db-path')

INSTALLED_SAMPLE = 'the sample that is installed with hos'


class ProgramParser(argparse.ArgumentParser):
    """Refuses arguments that are not UTF-8: they could be neither printed, stored nor sent."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse arguments, by default those of this program."""
        given: Sequence[str] = sys.argv[1:] if args is None else args
        if reason := not_utf8(given):
            self.error(reason)
        return super().parse_known_args(given, namespace)


def add_device_db_option(parser: Any, default: Path | None = None) -> None:
    """Add the option for the folder of the specification; without `default`, it is None."""
    parser.add_argument(
        *_DEVICE_DB_OPTIONS,
        dest='device_db',
        type=user_path,
        default=default,
        metavar='FOLDER',
        help=f'the local copy of the specification; default: {default or INSTALLED_SAMPLE}',
    )
