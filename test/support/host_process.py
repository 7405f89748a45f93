"""Programs of the project as processes that tests start, watch and stop."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
from types import TracebackType

WAIT_S = 150


class Program:
    """Runs `python -m module` and collects its output."""

    def __init__(self, *arguments: str) -> None:
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            [sys.executable, '-m', *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Program:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(WAIT_S)
        finally:
            self.process.kill()
            self._reader.join(WAIT_S)
            assert self.process.stdout is not None
            self.process.stdout.close()

    @property
    def output(self) -> str:
        with self._changed:
            return ''.join(self._lines)

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Wait for the first match in the output and return it."""

        def is_there() -> bool:
            self._match = re.search(pattern, ''.join(self._lines))
            return self._match is not None

        with self._changed:
            assert self._changed.wait_for(is_there, WAIT_S), f'{pattern!r} in {self._lines}'
            assert self._match is not None
            return self._match

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()


def run(*arguments: str) -> tuple[int, str]:
    """Run a program until it ends; returns its exit code and its output."""
    with Program(*arguments) as program:
        program.process.wait(WAIT_S)
        program._reader.join(WAIT_S)
        return program.process.returncode, program.output
