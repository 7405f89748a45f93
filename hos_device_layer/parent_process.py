"""End a program together with the one that started it, even if that one is killed."""

from __future__ import annotations

import os
import select
import signal
import threading
import time

# The process id of `hos up` or `ros2 launch`. A program that is started by hand has none.
PARENT_VARIABLE = 'HOS_PARENT_PID'

# A program that still runs this long after SIGTERM is killed, as `ros2 launch` would [s].
GRACE_S = 10.0


def environment_of_child() -> dict[str, str]:
    """Return the variables with which a program ends when this process has ended."""
    return {PARENT_VARIABLE: str(os.getpid())}


def end_with_parent() -> None:
    """
    Send this process SIGTERM when the process that started it ends.

    Does nothing unless that process has passed `environment_of_child` to it.
    """
    # Removed, so that it does not apply to the programs that this one starts.
    parent = os.environ.pop(PARENT_VARIABLE, '')
    if not parent.isdecimal():
        return
    try:
        # Unlike prctl(PR_SET_PDEATHSIG), it does not fire when only a thread of the parent ends,
        # and the parent may be behind a shell, a debugger or a terminal.
        handle = os.pidfd_open(int(parent))
    except ProcessLookupError:
        os.kill(os.getpid(), signal.SIGTERM)
        return
    threading.Thread(target=_end_after, args=(handle,), name='parent process', daemon=True).start()


def _end_after(handle: int) -> None:
    # A signal to this thread would not wake the main thread.
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    poll.poll()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_S)
    os.kill(os.getpid(), signal.SIGKILL)
