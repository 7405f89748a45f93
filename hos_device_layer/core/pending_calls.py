"""The caller's side of API calls: matches results with calls and finds lost calls."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, NamedTuple, TypeVar

C = TypeVar('C', bound=Hashable)
R = TypeVar('R')

# Identifies the device managers that can be reached; a restarted manager has another identifier.
ManagerIds = frozenset[bytes]


class _Sent(NamedTuple):
    order: int
    tick: int
    managers: ManagerIds


class PendingCalls(Generic[C, R]):
    """
    The calls that have no result yet.

    A call is held until the manager can be reached, then sent, then running once the manager has
    answered with its task id. Its result can arrive before that answer. Results of other callers
    arrive too; a result is kept only while it could belong to a call that was sent before it and
    is not answered yet. Time is counted in ticks.
    """

    def __init__(self, held_ticks: int, unanswered_ticks: int) -> None:
        self._held_ticks = held_ticks
        self._unanswered_ticks = unanswered_ticks
        self._held: dict[C, int] = {}
        self._sent: OrderedDict[C, _Sent] = OrderedDict()
        self._running: dict[int, tuple[C, ManagerIds]] = {}
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
        """Whether a call is held or unanswered; while one is, `advance` must be called."""
        return bool(self._held or self._sent)

    @property
    def early_results(self) -> int:
        """How many results are kept whose call is not known."""
        return len(self._early)

    def hold(self, call: C) -> None:
        """Add a call that cannot be sent yet."""
        self._held[call] = self._tick

    def take_held(self) -> list[C]:
        """Remove and return the held calls, the oldest first, to send them."""
        calls = list(self._held)
        self._held.clear()
        return calls

    def send(self, call: C, managers: ManagerIds) -> None:
        """Record that a call is sent to one of `managers`; must be called before it is sent."""
        self._sent[call] = _Sent(next(self._order), self._tick, managers)

    def is_unanswered(self, call: C) -> bool:
        """Return whether a call was sent and has been neither answered nor given up."""
        return call in self._sent

    def accept(self, call: C, task_id: int) -> R | None:
        """Record that an unanswered call was accepted; returns its result if that came first."""
        sent = self._sent.pop(call)
        _, result = self._early.pop(task_id, (0, None))
        if result is None:
            self._running[task_id] = call, sent.managers
        self._forget_early()
        return result

    def refuse(self, call: C) -> None:
        """Record that an unanswered call was refused."""
        del self._sent[call]
        self._forget_early()

    def finish(self, task_id: int, result: R) -> C | None:
        """Record a result of any caller; returns the call that it ends, if it is known."""
        running = self._running.pop(task_id, None)
        if running is not None:
            return running[0]
        if self._sent:
            self._early[task_id] = next(self._order), result
        return None

    @property
    def running(self) -> dict[int, C]:
        """The calls that were accepted, by task id, the oldest first."""
        return {task_id: call for task_id, (call, _) in self._running.items()}

    def end(self, task_id: int) -> C | None:
        """Remove and return a call that was accepted, if it has no result yet."""
        call, _ = self._running.pop(task_id, (None, None))
        return call

    def take_all(self) -> dict[C, int]:
        """Remove and return all calls, with task ids (0 if unknown)."""
        calls = self.take_lost(frozenset())
        return calls | dict.fromkeys(self.take_held(), 0)

    def take_lost(self, managers: ManagerIds) -> dict[C, int]:
        """Remove and return calls sent to none of `managers`, with task ids (0 if unknown)."""
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
        """Count a tick; removes and returns calls held too long and calls unanswered too long."""
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
        # A result that arrived before a call was sent cannot belong to that call.
        oldest = next(iter(self._sent.values()), None)
        while self._early:
            order, _ = next(iter(self._early.values()))
            if oldest is not None and order > oldest.order:
                break
            self._early.popitem(last=False)
