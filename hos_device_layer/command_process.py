"""Run a command as a process: with its signals, its standard streams and its exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from .exit_signals import SignalInterrupt, exit_on_signals, ignore_signals
from .standard_streams import open_standard_streams, output_failure


def run_command(name: str, run: Callable[[], int], *, is_service: bool = False) -> int:
    """
    Run a command and return its exit code; os.EX_IOERR if it succeeds, but not its output.

    If the reader of its output has read enough, it goes on without. SIGINT and SIGTERM are the
    regular end of a service.
    """
    exit_on_signals(is_regular_end=is_service)
    open_standard_streams()
    code = _exit_code(run)
    if not is_service:
        # Also while the output waits for a reader that does not read.
        exit_on_signals(is_regular_end=False)
    sys.stdout.flush()
    ignore_signals()
    if failure := output_failure():
        print(f'{name}: {failure}', file=sys.stderr)  # noqa: T201
        return code or os.EX_IOERR
    return code


def _exit_code(run: Callable[[], int]) -> int:
    try:
        return run()
    except SystemExit as end:
        # Of argparse: its help, or wrong arguments.
        return int(end.code or 0)
    except SignalInterrupt as interrupt:
        return interrupt.exit_code
