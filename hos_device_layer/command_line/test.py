"""`hos test`: everything that must hold before a change is good."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2]
IMPORT_LINTER = 'from importlinter.cli import lint_imports_command; lint_imports_command()'

# Fast and plain ones first. The launcher is the one Python file without the name of one.
CHECKS = {
    'ruff check': ['-m', 'ruff', 'check', '--no-fix', '.'],
    'ruff format': ['-m', 'ruff', 'format', '--diff', '.'],
    'import-linter': ['-c', IMPORT_LINTER],
    'mypy': ['-m', 'mypy'],
    'generated helpers': ['-m', 'hos_device_layer.command_line', 'generate', '--check'],
}

# A file stays in one process: its tests share device managers. Each process has a ROS domain. The
# whole run goes one after the other: it also tells how soon things end.
PARALLEL = ['-n', 'auto', '--maxprocesses', '4', '--dist', 'loadfile']


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        'test',
        help='run the linters, the type checker and every test',
        description='Run the linters, the type checker and pytest. '
        'Arguments that are not ours go to pytest: hos test test/core -k serializers -x',
    )
    parser.add_argument(
        '--all',
        action='store_true',
        help='also the slow tests: that a fresh clone sets itself up, that colcon builds it',
    )
    parser.add_argument(
        'passed_on', nargs=argparse.REMAINDER, metavar='...', help='what pytest gets'
    )
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Run all checks, then pytest, and name what failed."""
    failed = [name for name, arguments in CHECKS.items() if not _passes(name, arguments)]
    which = ['-m', ''] if chosen.all else PARALLEL
    pytest = [sys.executable, '-m', 'pytest', *which, *chosen.passed_on]
    if subprocess.run(pytest, cwd=PROJECT, check=False).returncode != 0:
        failed.append('pytest')
    if failed:
        print(f'hos test: failed: {", ".join(failed)}')
    return 1 if failed else 0


def _passes(name: str, arguments: list[str]) -> bool:
    start = time.monotonic()
    check = subprocess.run(
        [sys.executable, *arguments],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    passed = check.returncode == 0
    if not passed:
        print(check.stdout, end='')
    print(f'{name}: {"ok" if passed else "FAILED"} ({time.monotonic() - start:.1f} s)', flush=True)
    return passed
