"""
How SIGINT and SIGTERM end a program: at every moment, without a traceback.

The exit code is 0 if the program runs until it is stopped, else that of a shell: 128 plus the
number of the signal.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

EXIT_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class SignalInterrupt(KeyboardInterrupt):
    """A signal interrupts a program; `exit_code` is that of a shell."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


def exit_on_signals(*, is_regular_end: bool = True) -> None:
    """
    Let SIGINT and SIGTERM end the process at once, without cleaning up.

    For the start of a program: to be called before it imports other modules, which takes most of
    its start, and in force until it handles the signals itself. Must be called on the main thread.
    """

    def on_signal(number: int, _frame: FrameType | None) -> None:
        # An exception would be printed, or swallowed by the code that it interrupts.
        os._exit(0 if is_regular_end else SignalInterrupt(number).exit_code)

    for number in EXIT_SIGNALS:
        signal.signal(number, on_signal)
    # A program that starts this one may hold the signals back until here.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, EXIT_SIGNALS)


def is_program(package: str) -> bool:
    """
    Whether `python -m` is starting a package, or a module in it.

    For an `__init__` that imports much, since Python imports it before `__main__`.
    """
    # The first argument is -m while Python imports the packages of the module that it is to run.
    if sys.argv[:1] != ['-m']:
        return False
    module = sys.orig_argv[-len(sys.argv)].removeprefix('-m')
    return module == package or module.startswith(f'{package}.')


def interrupt_on_signals() -> None:
    """Let SIGINT and SIGTERM raise SignalInterrupt, so that what runs is cleaned up."""

    def on_signal(number: int, _frame: FrameType | None) -> None:
        raise SignalInterrupt(number)

    for number in EXIT_SIGNALS:
        signal.signal(number, on_signal)


def collect_signals() -> list[int]:
    """Return a list to which SIGINT and SIGTERM are appended from now on; they do nothing else."""
    signals: list[int] = []

    def on_signal(number: int, _frame: FrameType | None) -> None:
        signals.append(number)

    for number in EXIT_SIGNALS:
        signal.signal(number, on_signal)
    return signals


@contextmanager
def collecting_signals() -> Iterator[list[int]]:
    """Collect signals within the context, as `collect_signals` does."""
    before = {number: signal.getsignal(number) for number in EXIT_SIGNALS}
    try:
        yield collect_signals()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def ignore_signals() -> None:
    """
    Ignore SIGINT and SIGTERM from now on: the program is ending.

    While Python exits it restores the default handlers; a second Ctrl-C would kill the process.
    """
    for number in EXIT_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
