"""The caller's side of API calls: which result belongs to which call, and which calls are lost."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, NamedTuple, TypeVar

C = TypeVar('C', bound=Hashable)
R = TypeVar('R')

# The managers that can be reached, by whatever tells one from its successor after a restart.
Managers = frozenset[bytes]


class _Sent(NamedTuple):
    order: int
    tick: int
    managers: Managers


class PendingCalls(Generic[C, R]):
    """
    The calls that have no result yet.

    A call is held until the manager can be reached, then sent, then running once the manager's
    answer told its task id. Its result comes before that answer or after it. Results of other
    callers come, too: they are kept only as long as a call that was sent before them could turn
    out to be theirs. Time is counted in ticks.
    """

    def __init__(self, held_ticks: int, unanswered_ticks: int) -> None:
        self._held_ticks = held_ticks
        self._unanswered_ticks = unanswered_ticks
        self._held: dict[C, int] = {}
        self._sent: OrderedDict[C, _Sent] = OrderedDict()
        self._running: dict[int, tuple[C, Managers]] = {}
        self._early: OrderedDict[int, tuple[int, R]] = OrderedDict()
        self._order = itertools.count()
        self._tick = 0

    def __len__(self) -> int:
        return len(self._held) + len(self._sent) + len(self._running)

    @property
    def holds_calls(self) -> bool:
        """Whether `take_held` has something to return."""
        return bool(self._held)

    @property
    def awaits_answers(self) -> bool:
        """Whether a call is held or unanswered: as long as there is one, time matters."""
        return bool(self._held or self._sent)

    @property
    def early_results(self) -> int:
        """How many results are kept whose call is not known, yet or at all."""
        return len(self._early)

    def hold(self, call: C) -> None:
        """Take a call that cannot be sent yet."""
        self._held[call] = self._tick

    def take_held(self) -> list[C]:
        """Return the held calls, the oldest first, to be sent now."""
        calls = list(self._held)
        self._held.clear()
        return calls

    def send(self, call: C, managers: Managers) -> None:
        """Take note, before it happens, that a call is sent to one of `managers`."""
        self._sent[call] = _Sent(next(self._order), self._tick, managers)

    def is_unanswered(self, call: C) -> bool:
        """Whether a call was sent, and neither answered nor given up."""
        return call in self._sent

    def accept(self, call: C, task_id: int) -> R | None:
        """Take the acceptance of an unanswered call; returns the result if that was faster."""
        sent = self._sent.pop(call)
        _, result = self._early.pop(task_id, (0, None))
        if result is None:
            self._running[task_id] = call, sent.managers
        self._forget_early()
        return result

    def refuse(self, call: C) -> None:
        """Take the refusal of an unanswered call."""
        del self._sent[call]
        self._forget_early()

    def finish(self, task_id: int, result: R) -> C | None:
        """Take a result, anybody's; returns the call that it ends."""
        running = self._running.pop(task_id, None)
        if running is not None:
            return running[0]
        if self._sent:
            self._early[task_id] = next(self._order), result
        return None

    def lose(self, managers: Managers) -> dict[C, int]:
        """Return the calls that none of `managers` has, with task ids, 0 where unknown."""
        lost = {call: 0 for call, sent in self._sent.items() if not sent.managers & managers}
        for task_id, (call, reached) in self._running.items():
            if not reached & managers:
                lost[call] = task_id
        for call, task_id in lost.items():
            self._sent.pop(call, None)
            self._running.pop(task_id, None)
        self._forget_early()
        return lost

    def advance(self) -> tuple[list[C], list[C]]:
        """Let a tick pass; returns the calls that were held, or unanswered, for too long."""
        self._tick += 1
        held = [call for call, tick in self._held.items() if self._age(tick) > self._held_ticks]
        unanswered = [
            call
            for call, sent in self._sent.items()
            if self._age(sent.tick) > self._unanswered_ticks
        ]
        for call in held:
            del self._held[call]
        for call in unanswered:
            del self._sent[call]
        self._forget_early()
        return held, unanswered

    def _age(self, tick: int) -> int:
        return self._tick - tick

    def _forget_early(self) -> None:
        # A result that came before a call was sent is not its result.
        oldest = next(iter(self._sent.values()), None)
        while self._early:
            order, _ = next(iter(self._early.values()))
            if oldest is not None and order > oldest.order:
                break
            self._early.popitem(last=False)
