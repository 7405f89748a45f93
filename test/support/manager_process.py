"""A program under test as a process: started with parameters, observed and ended."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

# Longer than anything takes, even on a busy machine; a test that waits longer fails [s].
PATIENCE_S = 150.0

MANAGER = 'hos_device_layer.device_manager'
SIMULATED_FLEET = 'hos_device_layer.testing.simulated_fleet'


class Program:
    """`python -m module --ros-args …`; what it prints is collected while it runs."""

    def __init__(
        self,
        module: str,
        *ros_arguments: str,
        environment: dict[str, str] | None = None,
        **parameters: object,
    ) -> None:
        command = [sys.executable, '-m', module, '--ros-args', *ros_arguments]
        for name, value in parameters.items():
            command += ['-p', f'{name}:={value}']
        self._lines: list[str] = []
        self._news = threading.Condition()
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **(environment or {})},
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def output(self) -> str:
        return '\n'.join(self._lines)

    def wait_for_output(self, pattern: str, times: int = 1) -> str:
        """Wait until lines match a pattern and return the last of them."""

        def matching() -> list[str]:
            return [line for line in self._lines if re.search(pattern, line)]

        with self._news:
            found = self._news.wait_for(lambda: len(matching()) >= times, PATIENCE_S)
        assert found, f'no {pattern!r} in:\n{self.output}'
        return matching()[-1]

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition on the output holds."""
        with self._news:
            assert self._news.wait_for(condition, PATIENCE_S), self.output

    def wait(self) -> int:
        """Wait for the program's own end and return its exit code."""
        code = self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        return code

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """End the program as a user does; benchmark/stopping.py measures how long that takes."""
        self.process.send_signal(number)
        code = self.wait()
        assert code == 0, self.output
        assert 'Traceback' not in self.output, self.output

    def end(self) -> None:
        """End the program if it runs still, whatever a test made of it."""
        self.process.terminate()
        try:
            self.process.wait(PATIENCE_S)
        finally:
            self.kill()

    def kill(self) -> None:
        """End the program without a warning, as a power cut does."""
        self.process.kill()
        self.process.wait()
        self._reader.join(PATIENCE_S)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def cpu_s(self) -> float:
        """Return the processor time that the program has used [s]."""
        stat = Path(f'/proc/{self.process.pid}/stat').read_text().rpartition(')')[2].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf('SC_CLK_TCK')

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self._lines.append(line.rstrip('\n'))
                self._news.notify_all()


def patched(folder: Path, code: str) -> dict[str, str]:
    """Return an environment in which Python runs this code before a program."""
    (folder / 'sitecustomize.py').write_text(code)
    return {'PYTHONPATH': os.pathsep.join([str(folder), *sys.path])}
