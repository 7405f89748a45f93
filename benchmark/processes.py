"""Runs the measured programs and reads their CPU time and memory from /proc."""

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

from .programs_log import open_log

_T = TypeVar('_T')

# A measured program that runs longer after SIGINT is an error [s].
_STOP_TIMEOUT_S = 20


@contextlib.contextmanager
def running(module: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `python -m module`, which logs to the file, within the context; stop it with SIGINT."""
    with open_log() as log:
        process = subprocess.Popen(
            [sys.executable, '-m', module, *arguments], stdout=log, stderr=log
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        _wait(process)


def _wait(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        # It would disturb the measurements that follow.
        process.kill()
        process.wait()
        raise


def run_in_new_process(measure: Callable[..., _T], *arguments: Any) -> _T:
    """
    Call a function in a new process and return its result.

    In a process that has used DDS before, calls take a third longer and discovery takes seconds.
    """
    with ProcessPoolExecutor(1, multiprocessing.get_context('spawn')) as process:
        return process.submit(measure, *arguments).result()


def ros_parameters(**values: object) -> list[str]:
    """Return the command line arguments that set parameters of a node."""
    arguments = ['--ros-args', '--log-level', 'error']
    for name, value in values.items():
        arguments += ['-p', f'{name}:={value}']
    return arguments


def cpu_s(pid: int) -> float:
    """Return the CPU time of a process [s]."""
    fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def memory_kb(pid: int) -> float:
    """Return the resident memory of a process [kB]."""
    pages = int(Path(f'/proc/{pid}/statm').read_text().split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE') / 1000
