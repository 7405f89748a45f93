"""The programs that are measured, and what Linux tells of them."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

_T = TypeVar('_T')

# Measured programs end within this, or the measurement is wrong [s].
_STOP_S = 20


@contextlib.contextmanager
def running(module: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `python -m module` beside this one, and end it with SIGINT."""
    process = subprocess.Popen(
        [sys.executable, '-m', module, *arguments], stdout=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(_STOP_S)


def alone(measure: Callable[..., _T], *arguments: Any) -> _T:
    """
    Measure in a process of its own.

    In one that has spoken DDS before, calls take a third longer and discovery seconds.
    """
    with ProcessPoolExecutor(1, multiprocessing.get_context('spawn')) as process:
        return process.submit(measure, *arguments).result()


def ros_parameters(**values: object) -> list[str]:
    """Return the arguments that set parameters of a node."""
    arguments = ['--ros-args', '--log-level', 'error']
    for name, value in values.items():
        arguments += ['-p', f'{name}:={value}']
    return arguments


def cpu_s(pid: int) -> float:
    """Return the processor time that a process has used [s]."""
    fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def memory_kb(pid: int) -> float:
    """Return the resident memory of a process [kB]."""
    pages = int(Path(f'/proc/{pid}/statm').read_text().split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE') / 1000
