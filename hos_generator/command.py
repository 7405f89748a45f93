"""The command that `hos generate` and `python -m hos_generator` run."""

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
from hos_device_layer.paths import user_path
from hos_device_layer.program_options import add_device_db_option
from hos_device_layer.source_tree import HOS

from .names import function_names
from .output import OutputError, default_output, import_name
from .source import device_api_source


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command to a parser."""
    parser.add_argument(
        '--check',
        action='store_true',
        help='write nothing; exit with code 1 if the file is missing or out of date',
    )
    add_device_db_option(parser)
    parser.add_argument(
        '--output',
        type=user_path,
        metavar='FILE',
        help='the file to write; default: PACKAGE/hos_device_api.py if the current folder is the '
        'root of a ROS or Python package, else ./hos_device_api.py. In a source checkout of '
        'hos_device_layer: hos_device_layer/gen/hos_device_api.py',
    )


def run(arguments: argparse.Namespace) -> int:
    """Generate the file, or check that it is up to date; returns the exit code."""
    folder = arguments.device_db or installed_device_db()
    try:
        output = arguments.output or default_output(_library_folder(), Path.cwd())
        spec = LocalCopy(folder).read()
    except (DatabaseError, OutputError) as error:
        return _fail(str(error))
    _warn_of_rejected_rows(spec)
    if not spec.functions:
        return _fail(f'no usable function in {folder}; {output} was not changed')
    source = device_api_source(spec)
    try:
        if arguments.check:
            return _check(output, source)
        _write(output, source)
    except (OSError, UnicodeError) as error:
        return _fail(f'{output}: {error}')
    count = len(spec.functions)
    print(f'Wrote {count} {"function" if count == 1 else "functions"} to {output}')
    _print_import(output, min(function_names(spec.functions).values()))
    return 0


def _library_folder() -> Path:
    return Path(hos_device_layer.__file__).parent


def _print_import(output: Path, example: str) -> None:
    name = import_name(output)
    if name is None:
        print('Its name is not a Python name: rename the file to import it.')
        return
    where = '' if '.' in name else f' (in programs in {output.resolve().parent})'
    print(f'Import them with: from {name} import {example}{where}')


def _check(path: Path, source: str) -> int:
    if not path.exists():
        return _fail(f'{path} does not exist; create it with: {HOS} generate')
    if path.read_text(encoding='utf-8') != source:
        return _fail(
            f'{path} is out of date: the specification has changed; update it with: {HOS} generate'
        )
    print(f'{path} is up to date')
    return 0


def _write(path: Path, source: str) -> None:
    # Replaced in one step: a program that imports the file meanwhile sees the old or the new one.
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


def _warn_of_rejected_rows(spec: Spec) -> None:
    for problem in spec.problems:
        print(f'rejected: {problem}', file=sys.stderr)


def _fail(text: str) -> int:
    print(text, file=sys.stderr)
    return 1
