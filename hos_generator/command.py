"""What `hos generate` and `python -m hos_generator` do."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import hos_device_layer
from hos_device_layer.core.errors import DatabaseError
from hos_device_layer.core.spec.records import Spec
from hos_device_layer.database import LocalCopy
from hos_device_layer.database.installed import installed_device_db

from .source import device_api_source

DEFAULT_OUTPUT = Path(hos_device_layer.__file__).parent / 'gen' / 'hos_device_api.py'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        '--check', action='store_true', help='write nothing; exit with 1 if the file is stale'
    )
    parser.add_argument(
        '--device-db', type=Path, metavar='PATH', help='the folder of the local copy to read'
    )
    parser.add_argument(
        '--output', type=Path, metavar='FILE', default=DEFAULT_OUTPUT, help='the file to write'
    )


def run(arguments: argparse.Namespace) -> int:
    """Generate the file, or check that it is current; returns the exit code."""
    folder = arguments.device_db or installed_device_db()
    try:
        spec = LocalCopy(folder).read()
    except DatabaseError as error:
        return _fail(str(error))
    _warn(spec)
    if not spec.functions:
        return _fail(f'{folder} holds no function that can be used; {arguments.output} is kept')
    source = device_api_source(spec)
    try:
        if arguments.check:
            return _check(arguments.output, source)
        _write(arguments.output, source)
    except (OSError, UnicodeError) as error:
        return _fail(f'{arguments.output}: {error}')
    print(f'{len(spec.functions)} functions in {arguments.output}')
    return 0


def _check(path: Path, source: str) -> int:
    if not path.exists():
        return _fail(f'{path} is missing; run: hos generate')
    if path.read_text(encoding='utf-8') != source:
        return _fail(f'{path} is stale: the specification was changed; run: hos generate')
    print(f'{path} is current')
    return 0


def _write(path: Path, source: str) -> None:
    # A program that imports the file meanwhile sees the old one or the new one.
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f'.{path.name}.')
    try:
        with os.fdopen(descriptor, 'w', encoding='utf-8') as file:
            os.fchmod(descriptor, 0o644)
            file.write(source)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink()
        raise


def _warn(spec: Spec) -> None:
    for problem in spec.problems:
        print(f'left out: {problem}', file=sys.stderr)


def _fail(text: str) -> int:
    print(text, file=sys.stderr)
    return 1
