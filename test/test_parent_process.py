"""A program ends with the one that started it."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from hos_device_layer.parent_process import PARENT_VARIABLE, end_with_parent, environment_of_child

PATIENCE_S = 40.0

# Prints its process id when it watches its parent, and runs until a signal ends it.
CHILD = """
import os, signal, sys
from hos_device_layer import parent_process
parent_process.GRACE_S = 0.1
if 'stubborn' in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
parent_process.end_with_parent()
print(os.getpid(), parent_process.PARENT_VARIABLE in os.environ, flush=True)
while True:
    signal.pause()
"""

# Starts the child and does what its own standard input says.
PARENT = """
import os, subprocess, sys, threading
from hos_device_layer.parent_process import environment_of_child
def start():
    subprocess.Popen(sys.argv[1:], env={**os.environ, **environment_of_child()})
thread = threading.Thread(target=start)
thread.start()
thread.join()
sys.stdin.readline()
"""

CHILD_COMMAND = (sys.executable, '-c', CHILD)


class Family:
    """A parent whose thread has started a child, and has ended since."""

    def __init__(self, *command: str) -> None:
        self.parent = subprocess.Popen(
            [sys.executable, '-c', PARENT, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.parent.stdout is not None
        pid, inherits = self.parent.stdout.readline().split()
        assert inherits == 'False'
        self.child = int(pid)
        self._handle = os.pidfd_open(self.child)

    def child_has_ended(self, timeout_s: float) -> bool:
        return bool(select.select([self._handle], [], [], timeout_s)[0])

    def close(self) -> None:
        self.parent.kill()
        self.parent.wait()
        if not self.child_has_ended(0):
            os.kill(self.child, signal.SIGKILL)
        os.close(self._handle)
        for pipe in (self.parent.stdin, self.parent.stdout):
            assert pipe is not None
            pipe.close()


@pytest.fixture(
    params=[
        CHILD_COMMAND,
        (*CHILD_COMMAND, 'stubborn'),
        ('sh', '-c', '"$@"; true', 'sh', *CHILD_COMMAND),
    ],
    ids=['program', 'program that ignores SIGTERM', 'program behind a shell'],
)
def family(request: pytest.FixtureRequest) -> Iterator[Family]:
    family = Family(*request.param)
    yield family
    family.close()


@pytest.mark.parametrize('number', [signal.SIGKILL, signal.SIGTERM])
def test_a_program_ends_when_its_parent_is_killed(family: Family, number: signal.Signals) -> None:
    # The thread that started it has ended, which alone ends nothing.
    assert not family.child_has_ended(0.2)
    family.parent.send_signal(number)
    assert family.child_has_ended(PATIENCE_S)


def test_a_program_whose_parent_has_ended_before_ends_at_once() -> None:
    ended = subprocess.Popen(['true'])
    ended.wait()
    child = subprocess.run(
        CHILD_COMMAND,
        env={**os.environ, PARENT_VARIABLE: str(ended.pid)},
        stdout=subprocess.PIPE,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (child.returncode, child.stdout) == (-signal.SIGTERM, b'')


@pytest.mark.parametrize('value', [None, '', 'x'])
def test_a_program_started_by_hand_is_not_affected(
    monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv(PARENT_VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(PARENT_VARIABLE, value)
    monkeypatch.setattr(os, 'pidfd_open', lambda _: pytest.fail('a process is watched'))
    end_with_parent()


def test_the_variable_names_this_process() -> None:
    assert environment_of_child() == {'HOS_PARENT_PID': str(os.getpid())}
