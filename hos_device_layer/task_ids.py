"""Task ids that are not reused after a restart."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from .core.errors import HosError
from .core.spec.field_types import UINT32_MAX
from .paths import user_path

FILE_NAME = 'task_ids'
_WIDTH = 10

# Ids are reserved in blocks, so that most calls need no file access. A restart loses at most one
# block: after about 40,000 restarts the ids start again at 1.
BLOCK_SIZE = 100_000


class TaskIdsError(HosError, OSError):
    """The file that stores the used ids cannot be read or written."""


def state_folder() -> Path:
    """Return the folder for this package's state, in `ROS_HOME` or else in `~/.ros`."""
    return user_path(os.environ.get('ROS_HOME') or '~/.ros') / 'hos_device_layer'


class TaskIds:
    """
    An iterator of ids in 1..2**32-1, each of them once among all managers that share a folder.

    After the last id they start again at the first. Raises TaskIdsError if the folder cannot be
    used: immediately, or for each id that is asked for until the next block can be reserved.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._block = _reserve_block(folder)

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        while (task_id := next(self._block, None)) is None:
            self._block = _reserve_block(self._folder)
        return task_id


def _reserve_block(folder: Path) -> Iterator[int]:
    path = folder / FILE_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(path) as file:
            start = _read_number(file)
            # A single write of fixed width: after a crash the file has the old or the new number.
            os.pwrite(file, b'%0*d' % (_WIDTH, (start + BLOCK_SIZE) % (UINT32_MAX + 1)), 0)
            os.fsync(file)
    except (OSError, ValueError) as error:
        raise TaskIdsError(
            f'cannot store task ids in {path}: {error}; make the folder writable, remove a '
            'damaged file, or set the parameter state_folder'
        ) from error
    return (i for i in range(start, start + BLOCK_SIZE) if 0 < i <= UINT32_MAX)


def _read_number(file: int) -> int:
    content = os.pread(file, _WIDTH + 1, 0).strip() or b'0'
    # int() would also read a sign and underscores.
    if not content.isdigit() or int(content) > UINT32_MAX:
        raise ValueError(f'expected a number from 0 to {UINT32_MAX}, got {content!r}')
    return int(content)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[int]:
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)  # Several managers may share the folder.
        yield file
    finally:
        os.close(file)
