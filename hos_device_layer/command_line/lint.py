"""`hos lint`: the linters and the type checker, without the tests."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

from ..source_tree import PROJECT, is_source_tree
from .unavailable import NO_SOURCE_TREE

_IMPORT_LINTER = 'from importlinter.cli import lint_imports_command; lint_imports_command()'

# The fastest first.
LINTERS = {
    'ruff-check': ['-m', 'ruff', 'check', '--no-fix', '.'],
    'ruff-format': ['-m', 'ruff', 'format', '--diff', '.'],
    'import-linter': ['-c', _IMPORT_LINTER],
    'mypy': ['-m', 'mypy'],
    'generated-helpers': ['-m', 'hos_device_layer.command_line', 'generate', '--check'],
}


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        'lint',
        help='run the linters and the type checker',
        description='Run the linters and the type checker on the source tree.',
    )
    parser.add_argument(
        'names',
        nargs='*',
        metavar='LINTER',
        help=f'run only these; default: all of {", ".join(LINTERS)}',
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the linters; returns 1 if one of them failed, 2 if it cannot run them."""
    unknown = [name for name in arguments.names if name not in LINTERS]
    if unknown:
        known = ', '.join(LINTERS)
        print(f'hos lint: unknown linter {unknown[0]!r}; valid names: {known}', file=sys.stderr)
        return 2
    if not is_source_tree():
        print(f'hos lint: {NO_SOURCE_TREE}', file=sys.stderr)
        return 2
    failed = failed_linters(arguments.names)
    if failed:
        print(f'hos lint: failed: {", ".join(failed)}')
    return 1 if failed else 0


def failed_linters(names: Sequence[str] = ()) -> list[str]:
    """Run linters (default: all), print their results, and return the names of those that fail."""
    return [name for name in names or LINTERS if not _passes(name)]


def _passes(name: str) -> bool:
    start = time.monotonic()
    linter = subprocess.run(
        [sys.executable, *LINTERS[name]],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    passed = linter.returncode == 0
    if not passed:
        print(linter.stdout, end='')
    print(f'{name}: {"ok" if passed else "FAILED"} ({time.monotonic() - start:.1f} s)', flush=True)
    return passed
