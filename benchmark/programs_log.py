"""The file that receives the log lines of the measured programs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

# Measurements run in processes of their own, which inherit the environment.
_VARIABLE = 'HOS_BENCHMARK_LOG'


@contextmanager
def logging_to(path: Path) -> Iterator[None]:
    """Collect the log lines of all measured programs in a new file within the context."""
    path.write_bytes(b'')
    os.environ[_VARIABLE] = str(path.absolute())
    try:
        yield
    finally:
        del os.environ[_VARIABLE]


def open_log() -> IO[bytes]:
    """Open the file to append to it."""
    return Path(os.environ.get(_VARIABLE, os.devnull)).open('ab')


def append_to_log(text: str) -> None:
    """Append a text to the file."""
    with open_log() as file:
        file.write(text.encode())
