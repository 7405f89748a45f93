"""Run the programs of the set-up: one set-up at a time, with a log."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

from .display import Display, say
from .errors import SetupError
from .paths import STATE

_LOG_TAIL_LINES = 15


class ProgramRunner:
    """Runs programs while it holds the lock of the set-up; a context manager."""

    def __init__(self) -> None:
        self.display = Display()
        self._log = STATE / 'setup.log'

    def __enter__(self) -> ProgramRunner:
        # Imported late: systems without fcntl must get as far as the message of check_machine.
        import fcntl

        STATE.mkdir(exist_ok=True)
        self._lock = (STATE / 'lock').open('w')
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say('waiting for another ./hos to finish the set-up')
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._log.write_text('')
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.close()

    def run(self, command: Sequence[str | Path], environ: Mapping[str, str]) -> None:
        """Run a program; if it fails, raises SetupError with the end of its output."""
        arguments = [str(part) for part in command]
        with self._log.open('a') as log:
            print('$', *arguments, file=log, flush=True)
            code = self._run_logged(arguments, environ, log)
        if code != 0:
            raise SetupError(self._failure(Path(arguments[0]).name))

    def _run_logged(self, arguments: list[str], environ: Mapping[str, str], log: TextIO) -> int:
        process = subprocess.Popen(
            arguments,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors='replace',
            # If this process is killed, the program may go on: it holds the lock until it ends.
            pass_fds=[self._lock.fileno()],
        )
        try:
            assert process.stdout
            for line in process.stdout:
                log.write(line)
                self.display.detail(line)
        except BaseException:
            process.terminate()
            raise
        finally:
            process.wait()
        return process.returncode

    def _failure(self, program: str) -> str:
        tail = self._log.read_text().splitlines()[-_LOG_TAIL_LINES:]
        return (
            '\n'.join(f'  | {line}' for line in tail)
            + f'\n{program} failed (complete output: {self._log}).\n'
            'Correct the cause shown above (is this machine online?), then run ./hos again.'
        )
