"""`hos` as a user runs it: a process of its own, with a home folder of its own."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

# A command that takes longer has failed [s].
TIMEOUT_S = 40.0

COMMAND = (sys.executable, '-m', 'hos_device_layer.command_line')


# All ROS domains of a computer share the ports of shared memory. Where two sessions open one at
# the same time, Fast DDS writes this to the standard error, and tries another one.
_SHARED_MEMORY = re.compile(r'^.*RTPS_TRANSPORT_SHM.*open_and_lock_file failed.*\n', re.MULTILINE)


def without_dds(output: str) -> str:
    """Return the output of a program without what Fast DDS writes about its ports."""
    return _SHARED_MEMORY.sub('', output)


class Finished(NamedTuple):
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


class HosCommand:
    """Runs `hos` with settings and state in a folder of the test."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        own = {name: str(home) for name in ('HOME', 'XDG_CONFIG_HOME', 'XDG_STATE_HOME')}
        own |= {'ROS_HOME': str(home / 'ros'), 'COLUMNS': '200', 'PYTHONUNBUFFERED': '1'}
        inherited = {k: v for k, v in os.environ.items() if not k.startswith('AIRTABLE_')}
        self.environment = {**inherited, **own, **environment}

    def with_environment(self, **environment: str) -> HosCommand:
        """Return the command with further environment variables."""
        return HosCommand(self.home, **{**self.environment, **environment})

    def run(self, *arguments: object, cwd: Path | None = None) -> Finished:
        """Run a command to its end."""
        done = subprocess.run(
            [*COMMAND, *map(str, arguments)],
            env=self.environment,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert 'Traceback' not in done.stderr, done.stderr
        return Finished(done.returncode, done.stdout, without_dds(done.stderr))

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        """Start a command whose output the test reads itself."""
        return subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @contextlib.contextmanager
    def running(self, *arguments: object) -> Iterator[RunningCommand]:
        """Run a command within the context, which ends it if it still runs."""
        command = RunningCommand([*COMMAND, *map(str, arguments)], self.environment)
        try:
            yield command
        finally:
            command.close()


class RunningCommand:
    """A command whose output, both streams together, is collected while it runs."""

    def __init__(
        self, command: list[str], environment: dict[str, str], cwd: Path | None = None
    ) -> None:
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # A process group of its own, which `close` ends as a whole.
            start_new_session=True,
        )
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def output(self) -> str:
        with self._changed:
            return ''.join(self._lines)

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Wait for output that matches a pattern and return the first match."""
        found = self.find(pattern, TIMEOUT_S)
        assert found, f'no {pattern!r} in:\n{self.output}'
        return found

    def find(self, pattern: str, timeout_s: float) -> re.Match[str] | None:
        """Return the first match of a pattern; None if there is none within the time."""

        def match() -> re.Match[str] | None:
            return re.search(pattern, ''.join(self._lines), re.MULTILINE)

        with self._changed:
            return self._changed.wait_for(match, timeout_s)

    def children(self) -> dict[int, str]:
        """Return the command lines of the programs that it started, by pid."""
        pid = self.process.pid
        pids = Path(f'/proc/{pid}/task/{pid}/children').read_text().split()
        return {int(p): Path(f'/proc/{p}/cmdline').read_text().replace('\0', ' ') for p in pids}

    def wait(self) -> int:
        """Wait for the end of the command; returns its exit code."""
        try:
            code = self.process.wait(TIMEOUT_S)
        except subprocess.TimeoutExpired:
            running = [self.process.args, *self.children().values()]
            raise AssertionError(f'{running} run for ever:\n{self.output}') from None
        self._reader.join(TIMEOUT_S)
        return code

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """End the command with a signal; returns its exit code."""
        self.process.send_signal(number)
        code = self.wait()
        assert 'Traceback' not in self.output, self.output
        return code

    def close(self) -> None:
        """End the command, with force if it does not end by itself."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(TIMEOUT_S)
        finally:
            # Also what it started and left behind.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self._reader.join(TIMEOUT_S)
            assert self.process.stdout is not None
            self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self._lines.append(without_dds(line))
                self._changed.notify_all()


def gateway_url(up: RunningCommand) -> str:
    """Return the URL of the gateway that a running `hos up` has started."""
    port = re.search(r'gateway_port:=(\d+)', ' '.join(up.children().values()))
    assert port
    return f'ws://127.0.0.1:{port[1]}'
