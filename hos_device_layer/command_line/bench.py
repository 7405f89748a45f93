"""`hos bench`: run the benchmarks of the source tree."""

from __future__ import annotations

import argparse
import subprocess
import sys
from typing import Any

from ..source_tree import PROJECT
from .passing_on import add_passing_parser


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    add_passing_parser(subparsers, 'bench', 'measure speed and memory', run)


def run(arguments: argparse.Namespace) -> int:
    """Run the benchmark, which parses its own options; returns 1 if a value misses its limit."""
    if not (PROJECT / 'benchmark').is_dir():
        print(
            'this installation has no benchmark; it is in the source checkout of hos_device_layer',
            file=sys.stderr,
        )
        return 2
    command = [sys.executable, '-m', 'benchmark', *arguments.passed_on]
    return subprocess.run(command, cwd=PROJECT, check=False).returncode
