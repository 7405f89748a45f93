"""`hos bench`: rates, latencies and memory, each beside a floor measured in the same run."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2]


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        'bench',
        help='measure speed and memory',
        description='What follows is for the benchmark: hos bench calls --quick',
    )
    parser.add_argument('passed_on', nargs=argparse.REMAINDER, metavar='...')
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the benchmark of the source tree; returns 1 if a promise is not kept."""
    if not (PROJECT / 'benchmark').is_dir():
        print('the benchmark is part of the source tree; run ./hos bench there', file=sys.stderr)
        return 2
    command = [sys.executable, '-m', 'benchmark', *arguments.passed_on]
    return subprocess.run(command, cwd=PROJECT, check=False).returncode
