"""`hos test`: everything that must hold before a change is merged, or the tests of one package."""

from __future__ import annotations

import argparse
import itertools
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..source_tree import PROJECT, is_source_tree
from .lint import failed_linters
from .unavailable import NO_SOURCE_TREE

# One file's tests share device managers, so they run in one process; each process has a ROS
# domain of its own. Many tests wait for timers, so three of them keep two cores busy.
PARALLEL = ('-n', '3', '--dist', 'loadfile')
# One at a time, because they compile and need the processor, in a process that may end.
ONLY_SLOW_TESTS = ('-m', 'slow', '-n', '1', '-o', 'faulthandler_timeout=1000')

# The exit code of pytest when it finds no tests.
_NO_TESTS = 5

# Folders of test/ that contain no tests of a package.
_NOT_A_PACKAGE = frozenset({'support', 'public_clients', '__pycache__'})

_DESCRIPTION = """\
Without PACKAGE: run the linters, the type checker and all tests. With PACKAGE: run only the tests
of that package.

PACKAGE is the name of a package or module (core, spec, client, host, gateway, launcher, task_ids),
or a path (test/core, hos_device_layer/links/gateway, test/test_task_ids.py::test_name).
All arguments from the first option on are passed to pytest."""

_EXAMPLES = """\
examples:
  hos test                            everything except the slow tests
  hos test --all                      everything
  hos test core                       the tests of one package
  hos test core -k serializers -x     … with options of pytest
  hos test --slow                     the slow tests"""


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        'test',
        usage='hos test [-h] [--all | --slow] [PACKAGE ...] [options of pytest]',
        help='run the linters and the tests, or the tests of one package',
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--all', action='store_true', help='also run the slow tests')
    parser.add_argument('--slow', action='store_true', help='run only the slow tests')
    parser.add_argument('passed_on', nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Run what was chosen; returns 1 if something failed, 2 if a package is unknown."""
    if not is_source_tree():
        return _refuse(NO_SOURCE_TREE)
    # After the first PACKAGE, argparse leaves our own options to us.
    given = [argument for argument in chosen.passed_on if argument not in ('--all', '--slow')]
    slow = chosen.slow or '--slow' in chosen.passed_on
    everything = chosen.all or '--all' in chosen.passed_on
    names = list(itertools.takewhile(lambda argument: not argument.startswith('-'), given))
    found = {name: find_tests(name) for name in names}
    for name, tests in found.items():
        if not tests:
            return _refuse(f'no tests found for {name!r}; packages: {", ".join(packages())}')
    paths = list(itertools.chain.from_iterable(found.values()))
    failed = [] if names or slow else failed_linters()
    runs = [] if slow else [_workers(paths)]
    runs += [ONLY_SLOW_TESTS] if slow or everything else []
    codes = {_run_pytest([*options, *paths, *given[len(names) :]]) for options in runs}
    # With --all, a package may have fast tests only, or slow ones only.
    if 0 not in codes or codes - {0, _NO_TESTS}:
        failed.append('pytest')
    if failed:
        print(f'hos test: failed: {", ".join(failed)}')
    return 1 if failed else 0


def find_tests(name: str) -> list[str]:
    """Return the test folders and files, relative to the project, that a name stands for."""
    path, separator, test = name.partition('::')
    if (PROJECT / path).exists() and Path(path).parts[:1] == ('test',):
        return [f'{path}{separator}{test}']
    found = _mirrored(Path(path.removeprefix('hos_device_layer/'))) or _named(name)
    return [str(candidate.relative_to(PROJECT)) for candidate in found]


def packages() -> list[str]:
    """Return the names of the packages that have tests."""
    return sorted({folder.name.removeprefix('hos_') for folder in _test_folders()})


def _mirrored(module: Path) -> list[Path]:
    """Return the tests of a module or package, given its path inside the project."""
    tests = PROJECT / 'test' / module.parent / f'test_{module.stem}.py'
    if module.suffix == '.py':
        return [tests] if tests.exists() else []
    return [folder for folder in _test_folders() if folder == PROJECT / 'test' / module]


def _named(name: str) -> list[Path]:
    folders = [folder for folder in _test_folders() if folder.name in (name, f'hos_{name}')]
    return folders or sorted((PROJECT / 'test').rglob(f'test_{name.replace("/", "")}.py'))


def _test_folders() -> Iterator[Path]:
    for folder in sorted((PROJECT / 'test').rglob('*')):
        parts = folder.relative_to(PROJECT).parts
        if folder.is_dir() and not _NOT_A_PACKAGE.intersection(parts):
            yield folder


def _workers(paths: Sequence[str]) -> Sequence[str]:
    # For one test or one file, worker processes take longer to start than they save.
    is_one_file = len(paths) == 1 and '.py' in paths[0]
    return () if is_one_file else PARALLEL


def _run_pytest(arguments: Sequence[str]) -> int:
    command = [sys.executable, '-m', 'pytest', *arguments]
    return subprocess.run(command, cwd=PROJECT, check=False).returncode


def _refuse(reason: str) -> int:
    print(f'hos test: {reason}', file=sys.stderr)
    return 2
