"""What the user sees of the set-up, on stderr."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import sys
import threading
import time
from collections.abc import Iterator

_REFRESH_S = 0.125


def say(text: str) -> None:
    """Print a message; stdout belongs to the command that runs afterwards."""
    print(f'hos: {text}', file=sys.stderr, flush=True)


class Display:
    """Shows the current step: a line that updates on a terminal, otherwise one line per step."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._stop = threading.Event()
        self._detail = ''

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Show a step while the block runs."""
        start, self._detail = time.monotonic(), ''
        self._stop.clear()
        line = threading.Thread(target=self._update_line, args=(title, start), daemon=True)
        if self._is_terminal:
            line.start()
        else:
            say(title + ' ...')
        try:
            yield
        finally:
            if self._is_terminal:
                self._stop.set()
                line.join()
                print(end='\r\033[K', file=sys.stderr, flush=True)
        say(f'{title}: done in {time.monotonic() - start:.0f} s')

    def detail(self, text: str) -> None:
        """Show what the step is doing at the moment."""
        self._detail = text.strip()

    def _update_line(self, title: str, start: float) -> None:
        for wheel in itertools.cycle('|/-\\'):
            line = f'{wheel} {title} ({time.monotonic() - start:.0f} s) {self._detail}'
            line = line[: shutil.get_terminal_size().columns - 1]
            print(f'\r\033[K{line}', end='', file=sys.stderr, flush=True)
            if self._stop.wait(_REFRESH_S):
                return
