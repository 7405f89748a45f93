"""SIGINT and SIGTERM end a program with code 0 at every moment, also while it imports modules."""

from __future__ import annotations

import os
import signal
from types import FrameType

EXIT_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def exit_on_signals() -> None:
    """
    Let SIGINT and SIGTERM end the process at once with code 0, without cleaning up.

    For the start of a program: to be called before it imports other modules, which takes most of
    its start, and in force until it handles the signals itself. Must be called on the main thread.
    """
    for number in EXIT_SIGNALS:
        signal.signal(number, _exit)
    # A program that starts this one may hold the signals back until here.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, EXIT_SIGNALS)


def collect_signals() -> list[int]:
    """Return a list to which SIGINT and SIGTERM are appended from now on; they do nothing else."""
    signals: list[int] = []

    def on_signal(number: int, _frame: FrameType | None) -> None:
        signals.append(number)

    for number in EXIT_SIGNALS:
        signal.signal(number, on_signal)
    return signals


def ignore_signals() -> None:
    """
    Ignore SIGINT and SIGTERM from now on: the program is ending.

    While Python exits it restores the default handlers; a second Ctrl-C would kill the process.
    """
    for number in EXIT_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _exit(_number: int, _frame: FrameType | None) -> None:
    # An exception would be printed, or swallowed by the code that it interrupts.
    os._exit(0)
