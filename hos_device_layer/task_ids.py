"""Task ids that are not reused after a restart."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import random
from collections.abc import Callable, Iterator
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


def task_ids(folder: Path) -> Iterator[int]:
    """
    Yield ids in 1..2**32-1, each of them once among all managers that share the state folder.

    After the last id they start again at the first. Raises TaskIdsError if the folder cannot be
    used, immediately or when the next block is needed.
    """
    return _ids_from(_reserve_block(folder), folder)


def task_ids_or_random(folder: Path, log_error: Callable[[str], object]) -> Iterator[int]:
    """Return `task_ids`; if the folder cannot be used, ids that count up from a random one."""
    ids = _stored_or_random(folder, log_error)
    # Taking the first id now reports an unusable folder at the start.
    return itertools.chain([next(ids)], ids)


def _stored_or_random(folder: Path, log_error: Callable[[str], object]) -> Iterator[int]:
    try:
        yield from task_ids(folder)
    except TaskIdsError as error:
        log_error(f'{error}. Until the next start, task ids begin at a random number.')
    yield from itertools.count(random.randrange(1, UINT32_MAX // 2))


def _ids_from(start: int, folder: Path) -> Iterator[int]:
    while True:
        yield from (i for i in range(start, start + BLOCK_SIZE) if 0 < i <= UINT32_MAX)
        start = _reserve_block(folder)


def _reserve_block(folder: Path) -> int:
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
    return start


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
