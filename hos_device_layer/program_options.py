"""Command-line options that several programs share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .paths import user_path

_DEVICE_DB_OPTIONS = ('--device-db', '--device-db-path')

INSTALLED_SAMPLE = 'the sample that is installed with hos'


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
