"""What callers and devices saw of many calls, and what of it breaks a promise of the manager."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

# A command is on its way for so long, also on a busy machine: one that left the manager before
# the result was published may arrive that much later [s].
ON_THE_WAY_S = 1.0


class Answer(NamedTuple):
    """A call of a caller and the manager's answer; `task_id` is 0 if it was refused."""

    text: str
    uid: int
    called_s: float
    task_id: int


class Result(NamedTuple):
    """A result that a caller received; `text` is the value that the device returned."""

    task_id: int
    success: bool
    text: str
    published_s: float


class Execution(NamedTuple):
    """A command that a device received, and began to execute."""

    uid: int
    cmd_id: int
    text: str
    received_s: float


class Pause(NamedTuple):
    """A time in which a device could not read what had been sent to it."""

    uid: int
    since_s: float
    until_s: float


class CallLog(NamedTuple):
    """
    All that was seen. Every call has a text of its own, which its device returns.

    All times are seconds of one clock. `results` are those of one caller; each caller has its own
    log.
    """

    answers: list[Answer]
    results: list[Result]
    executions: list[Execution]
    pauses: list[Pause]

    def problems(self) -> list[str]:
        """
        Return every broken promise; an empty list if there is none.

        - lost: an accepted call has no result
        - doubled: a task has more than one result
        - foreign: a result belongs to no call of this log, or returns the text of another call
        - invented: a task succeeded, but no device received its command
        - executed twice: devices received a command, or the command of a call, more than once
        - refused: a device received the command of a call that was refused
        - misdirected: another device than the called one received a command
        - late: a device received a command more than `ON_THE_WAY_S` after the result of its task
          was published, although it read all the time from the call to the result. If it paused
          in this time, the command can have left the manager before the result: the manager
          cannot know that it was not read. The same holds for a command of a successful task:
          its device had received it before it reported.
        """
        return [
            *self._wrong_results(),
            *self._wrong_executions(),
            *self._late_executions(),
        ]

    def _wrong_results(self) -> Iterator[str]:
        accepted = {answer.task_id: answer for answer in self.answers if answer.task_id}
        executed = {execution.cmd_id for execution in self.executions}
        counts = _counted(result.task_id for result in self.results)
        for task_id, answer in accepted.items():
            if not counts[task_id]:
                yield f'lost: no result of task {task_id} ({answer.text})'
        for task_id, count in counts.items():
            if count > 1:
                yield f'doubled: {count} results of task {task_id}'
        for result in self.results:
            call = accepted.get(result.task_id)
            if call is None:
                yield f'foreign: a result of task {result.task_id}, which nobody called'
            elif result.success and result.text != call.text:
                yield f'foreign: {result.text} is the result of task {call.task_id} ({call.text})'
            elif result.success and call.task_id not in executed:
                yield f'invented: no device received task {call.task_id} ({call.text})'

    def _wrong_executions(self) -> Iterator[str]:
        called = {answer.text: answer for answer in self.answers}
        for cmd_id, count in _counted(e.cmd_id for e in self.executions).items():
            if count > 1:
                yield f'executed twice: command {cmd_id}, {count} times'
        for text, ids in _grouped((e.text, e.cmd_id) for e in self.executions).items():
            if len(ids) > 1:
                yield f'executed twice: {text}, as commands {sorted(ids)}'
        for execution in self.executions:
            call = called.get(execution.text)
            if call is None or not call.task_id:
                yield f'refused: uid {execution.uid} received {execution.text}'
            elif call.uid != execution.uid:
                yield f'misdirected: uid {execution.uid} received {call.text} of uid {call.uid}'

    def _late_executions(self) -> Iterator[str]:
        ends = {result.task_id: result for result in self.results}
        called = {answer.task_id: answer for answer in self.answers}
        for execution in self.executions:
            end, call = ends.get(execution.cmd_id), called.get(execution.cmd_id)
            if end is None or call is None:
                continue
            late_s = execution.received_s - end.published_s
            if late_s > ON_THE_WAY_S and not self._paused(call, end):
                yield f'late: command {execution.cmd_id}, {late_s:.3f} s after its result'

    def _paused(self, call: Answer, end: Result) -> bool:
        return any(
            pause.uid == call.uid
            and pause.since_s <= end.published_s
            and pause.until_s >= call.called_s
            for pause in self.pauses
        )


def _counted(numbers: Iterable[int]) -> dict[int, int]:
    counts: dict[int, int] = defaultdict(int)
    for number in numbers:
        counts[number] += 1
    return counts


def _grouped(pairs: Iterable[tuple[str, int]]) -> dict[str, set[int]]:
    groups: dict[str, set[int]] = defaultdict(set)
    for text, number in pairs:
        groups[text].add(number)
    return groups
