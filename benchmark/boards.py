"""Simulated L1 boards on pseudo-terminals: `python -m benchmark.boards FOLDER COUNT`."""

from __future__ import annotations

import heapq
import itertools
import os
import random
import selectors
import sys
import time
import tty
from pathlib import Path

# The time that a command takes, including the serial line [s]: 30 bytes take 31 ms at 9600 baud.
# Random, because boards with equal times that start together would stay synchronous.
SHORTEST_S, LONGEST_S = 0.06, 0.14


class L1BoardBank:
    """Boards whose result is the time from receiving the command to sending the answer [us]."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._selector = selectors.DefaultSelector()
        self._due: list[tuple[float, int, int, float]] = []
        self._numbers = itertools.count()
        self._boards: dict[str, tuple[int, int]] = {}

    def plug(self, name: str) -> None:
        """Create a port with this name."""
        master, slave = os.openpty()
        tty.setraw(slave)
        self._boards[name] = master, slave
        self._selector.register(master, selectors.EVENT_READ, master)
        (self._folder / name).symlink_to(os.ttyname(slave))

    def unplug(self, name: str) -> None:
        """Remove the port with this name."""
        (self._folder / name).unlink()
        master, slave = self._boards.pop(name)
        self._selector.unregister(master)
        self._due = [due for due in self._due if due[2] != master]
        heapq.heapify(self._due)
        os.close(master)
        os.close(slave)

    def serve(self) -> None:
        """Serve the boards; standard input takes the lines `plug NAME` and `unplug NAME`."""
        self._selector.register(sys.stdin, selectors.EVENT_READ)
        while True:
            wait = max(0.0, self._due[0][0] - time.monotonic()) if self._due else None
            for key, _ in self._selector.select(wait):
                if key.data is None:
                    line = sys.stdin.readline().split()
                    if not line:
                        return
                    (self.plug if line[0] == 'plug' else self.unplug)(line[1])
                elif os.read(key.data, 256).endswith(b'\n'):
                    os.write(key.data, b'21')
                    self._schedule_answer(key.data)
            self._send_due_answers()

    def _schedule_answer(self, board: int) -> None:
        now = time.monotonic()
        duration = random.uniform(SHORTEST_S, LONGEST_S)
        heapq.heappush(self._due, (now + duration, next(self._numbers), board, now))

    def _send_due_answers(self) -> None:
        while self._due and self._due[0][0] <= time.monotonic():
            _, _, board, start = heapq.heappop(self._due)
            os.write(board, b'V%d\n0' % ((time.monotonic() - start) * 1e6))


def main() -> None:
    """Serve until the end of standard input."""
    boards = L1BoardBank(Path(sys.argv[1]))
    for number in range(int(sys.argv[2])):
        boards.plug(f'board{number}')
    boards.serve()


if __name__ == '__main__':
    main()
