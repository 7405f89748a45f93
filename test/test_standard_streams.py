"""Streams that cannot be written discard what they get, and say why."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from project import ROOT

from hos_device_layer.standard_streams import OutputStream


def stream(descriptor: int, **options: bool) -> OutputStream:
    raw = open(descriptor, 'wb')  # noqa: SIM115
    return OutputStream(raw, encoding='ascii', errors='backslashreplace', **options)


def test_a_text_is_written(tmp_path: Path) -> None:
    path = tmp_path / 'file'
    with stream(os.open(path, os.O_WRONLY | os.O_CREAT)) as file:
        assert file.write('3 µm\n') == 5
        file.flush()
        assert path.read_text() == '3 \\xb5m\n'
    assert file.error is None


def full() -> int:
    return os.open('/dev/full', os.O_WRONLY)


def without_reader() -> int:
    reader, writer = os.pipe()
    os.close(reader)
    return writer


@pytest.mark.parametrize(('create', 'code'), [(full, errno.ENOSPC), (without_reader, errno.EPIPE)])
@pytest.mark.parametrize('options', [{}, {'line_buffering': True}, {'write_through': True}])
def test_what_cannot_be_written_is_discarded(
    create: Callable[[], int], code: int, options: dict[str, bool]
) -> None:
    with stream(create(), **options) as file:
        for _ in range(3):
            print('x' * 20_000, file=file)
        file.flush()
        file.flush()
        assert file.error is not None
        assert file.error.errno == code
        # What others write there is discarded, too.
        assert os.write(file.fileno(), b'x') == 1


PROGRAM = """
import os, sys
from hos_device_layer.standard_streams import open_standard_streams, output_failure
open_standard_streams()
names = [os.readlink(f'/proc/self/fd/{number}') for number in range(3)]
print('to the output')
print('to the errors', file=sys.stderr)
os.write(int(sys.argv[1]), ' '.join([*names, output_failure()]).encode())
"""


def test_closed_streams_are_the_null_device() -> None:
    reader, writer = os.pipe()
    command = ['sh', '-c', 'exec "$@" <&- >&- 2>&-', 'sh', sys.executable, '-c', PROGRAM]
    with os.fdopen(reader) as told:
        subprocess.run(
            [*command, str(writer)],
            env={**os.environ, 'PYTHONPATH': os.pathsep.join([str(ROOT), *sys.path])},
            pass_fds=[writer],
            check=True,
        )
        os.close(writer)
        assert told.read() == '/dev/null /dev/null /dev/null '
