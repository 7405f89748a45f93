"""Task ids that are not used again after a restart."""

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

FILE_NAME = 'task_ids'
_WIDTH = 10

# Ids are reserved in blocks, so that a call costs no file access and a crash loses few of them:
# 40,000 restarts before the ids begin again.
BLOCK_SIZE = 100_000


class TaskIdsError(HosError, OSError):
    """The file that remembers the ids cannot be used."""


def state_folder() -> Path:
    """Return where this package keeps its state: in `ROS_HOME`, by default `~/.ros`."""
    return Path(os.environ.get('ROS_HOME') or Path.home() / '.ros') / 'hos_device_layer'


def task_ids(folder: Path) -> Iterator[int]:
    """
    Yield ids in 1..2**32-1 that no manager with the same state folder yields at any other time.

    After the last they begin again. Raises TaskIdsError where the folder cannot be used, now or
    when a further block is needed.
    """
    return _ids_from(_reserve_block(folder), folder)


def task_ids_or_random(folder: Path, complain: Callable[[str], object]) -> Iterator[int]:
    """Return `task_ids`; from where the folder cannot be used on, ids from a random start."""
    ids = _kept_or_random(folder, complain)
    # The first is taken now, so that a folder that cannot be used is told at the start.
    return itertools.chain([next(ids)], ids)


def _kept_or_random(folder: Path, complain: Callable[[str], object]) -> Iterator[int]:
    try:
        yield from task_ids(folder)
    except TaskIdsError as error:
        complain(f'{error}. Until the next start ids are not kept.')
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
            # One write of a fixed width: after a crash the file holds the old or the new number.
            os.pwrite(file, b'%0*d' % (_WIDTH, (start + BLOCK_SIZE) % (UINT32_MAX + 1)), 0)
            os.fsync(file)
    except (OSError, ValueError) as error:
        raise TaskIdsError(
            f'cannot keep task ids in {path}: {error}; make the folder writable, remove a damaged '
            'file, or set the parameter state_folder'
        ) from error
    return start


def _read_number(file: int) -> int:
    content = os.pread(file, _WIDTH + 1, 0).strip() or b'0'
    # int() would also read a sign and underscores.
    if not content.isdigit() or int(content) > UINT32_MAX:
        raise ValueError(f'{content!r} is no id')
    return int(content)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[int]:
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)  # Several managers may share the folder.
        yield file
    finally:
        os.close(file)
