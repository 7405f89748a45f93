"""L1 boards on ptys in a process of their own: `python -m benchmark.boards FOLDER COUNT`."""

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

# What boards take for a command, the line included [s]: 30 bytes take 31 ms at 9600 baud. Never
# the same, since boards that are commanded at one moment would stay in step for ever.
SHORTEST_S, LONGEST_S = 0.06, 0.14


class Boards:
    """Boards that answer a command with the time [us] from its end to that of the answer."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._selector = selectors.DefaultSelector()
        self._due: list[tuple[float, int, int, float]] = []
        self._numbers = itertools.count()
        self._boards: dict[str, tuple[int, int]] = {}

    def plug(self, name: str) -> None:
        """Make a port of this name appear."""
        master, slave = os.openpty()
        tty.setraw(slave)
        self._boards[name] = master, slave
        self._selector.register(master, selectors.EVENT_READ, master)
        (self._folder / name).symlink_to(os.ttyname(slave))

    def unplug(self, name: str) -> None:
        """Make the port of a name disappear."""
        (self._folder / name).unlink()
        master, slave = self._boards.pop(name)
        self._selector.unregister(master)
        self._due = [due for due in self._due if due[2] != master]
        heapq.heapify(self._due)
        os.close(master)
        os.close(slave)

    def serve(self) -> None:
        """Serve the boards, and the orders `plug NAME`, `unplug NAME` on standard input."""
        self._selector.register(sys.stdin, selectors.EVENT_READ)
        while True:
            wait = max(0.0, self._due[0][0] - time.monotonic()) if self._due else None
            for key, _ in self._selector.select(wait):
                if key.data is None:
                    order = sys.stdin.readline().split()
                    if not order:
                        return
                    (self.plug if order[0] == 'plug' else self.unplug)(order[1])
                elif os.read(key.data, 256).endswith(b'\n'):
                    os.write(key.data, b'21')
                    self._remember(key.data)
            self._answer()

    def _remember(self, board: int) -> None:
        now = time.monotonic()
        work = random.uniform(SHORTEST_S, LONGEST_S)
        heapq.heappush(self._due, (now + work, next(self._numbers), board, now))

    def _answer(self) -> None:
        while self._due and self._due[0][0] <= time.monotonic():
            _, _, board, began = heapq.heappop(self._due)
            os.write(board, b'V%d\n0' % ((time.monotonic() - began) * 1e6))


def main() -> None:
    """Serve until standard input ends."""
    boards = Boards(Path(sys.argv[1]))
    for number in range(int(sys.argv[2])):
        boards.plug(f'board{number}')
    boards.serve()


if __name__ == '__main__':
    main()
