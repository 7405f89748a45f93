from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hos_device_layer.core.pending_calls import PendingCalls

OLD, NEW = frozenset({b'old'}), frozenset({b'new'})


def test_a_result_before_the_answer_is_kept_for_its_call() -> None:
    calls: PendingCalls[str, str] = PendingCalls(10, 10)
    calls.send('a', OLD)
    assert calls.finish(7, 'result') is None
    assert calls.accept('a', 7) == 'result'
    assert (len(calls), calls.early_results) == (0, 0)


def test_a_result_before_the_call_was_sent_is_not_kept_for_it() -> None:
    calls: PendingCalls[str, str] = PendingCalls(10, 10)
    calls.send('a', OLD)
    calls.finish(1, "a stranger's")
    calls.send('b', OLD)
    calls.finish(2, "b's")
    calls.refuse('a')
    assert calls.early_results == 1
    assert calls.accept('b', 2) == "b's"
    assert calls.early_results == 0


def test_results_are_not_kept_when_no_call_is_unanswered() -> None:
    calls: PendingCalls[str, str] = PendingCalls(10, 10)
    calls.hold('a')
    calls.finish(1, "a stranger's")
    assert calls.early_results == 0


def test_only_the_calls_of_a_lost_manager_are_lost() -> None:
    calls: PendingCalls[str, str] = PendingCalls(10, 10)
    for call in ('a', 'b'):
        calls.send(call, OLD)
    assert calls.accept('a', 1) is None
    calls.send('c', OLD | NEW)
    assert calls.take_lost(NEW) == {'a': 1, 'b': 0}
    assert calls.is_unanswered('c')
    assert calls.finish(1, 'late') is None


def test_a_running_call_can_be_ended_once() -> None:
    calls: PendingCalls[str, str] = PendingCalls(10, 10)
    for call, task_id in (('b', 2), ('a', 1)):
        calls.send(call, OLD)
        calls.accept(call, task_id)
    assert list(calls.running.items()) == [(2, 'b'), (1, 'a')]
    assert (calls.end(2), calls.end(2), calls.end(3)) == ('b', None, None)
    assert calls.finish(2, 'late') is None
    assert calls.running == {1: 'a'}


def test_all_calls_can_be_taken_in_whatever_state_they_are() -> None:
    calls: PendingCalls[str, str] = PendingCalls(10, 10)
    calls.hold('held')
    for call in ('running', 'unanswered'):
        calls.send(call, OLD)
    calls.accept('running', 1)
    assert calls.take_all() == {'held': 0, 'unanswered': 0, 'running': 1}
    assert len(calls) == 0


def test_held_and_unanswered_calls_expire() -> None:
    calls: PendingCalls[str, str] = PendingCalls(held_ticks=1, unanswered_ticks=2)
    calls.hold('held')
    calls.send('sent', OLD)
    assert calls.advance() == ([], [])
    assert calls.advance() == (['held'], [])
    assert calls.advance() == ([], ['sent'])
    assert not calls.awaits_answers


class AnyOrder(RuleBasedStateMachine):
    """One manager, our calls and strangers', results and answers in whatever order they come."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: PendingCalls[int, str] = PendingCalls(10**9, 10**9)
        self.count = 0
        self.results: dict[int, str] = {}
        self.unanswered: dict[int, int] = {}  # task ids by call
        self.unreported: set[int] = set()  # task ids
        self.owners: dict[int, int] = {}  # calls by task id

    @rule()
    def call(self) -> None:
        self.count += 1
        self.calls.send(self.count, OLD)
        task_id = self.count * 10
        self.unanswered[self.count] = task_id
        self.owners[task_id] = self.count
        self.unreported.add(task_id)

    @rule()
    def call_of_a_stranger(self) -> None:
        self.count += 1
        assert self.calls.finish(self.count * 10, 'not ours') is None

    @precondition(lambda self: self.unanswered)
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        call = data.draw(st.sampled_from(sorted(self.unanswered)))
        self.keep(call, self.calls.accept(call, self.unanswered.pop(call)))

    @precondition(lambda self: self.unanswered)
    @rule(data=st.data())
    def refuse(self, data: st.DataObject) -> None:
        call = data.draw(st.sampled_from(sorted(self.unanswered)))
        task_id = self.unanswered[call]
        if task_id in self.unreported:
            self.calls.refuse(call)
            del self.unanswered[call]
            self.unreported.remove(task_id)
            del self.owners[task_id]

    @precondition(lambda self: self.unreported)
    @rule(data=st.data())
    def report(self, data: st.DataObject) -> None:
        task_id = data.draw(st.sampled_from(sorted(self.unreported)))
        self.unreported.remove(task_id)
        ended = self.calls.finish(task_id, f'result of {self.owners[task_id]}')
        if ended is not None:
            self.keep(ended, f'result of {self.owners[task_id]}')

    def keep(self, call: int, result: str | None) -> None:
        if result is not None:
            assert call not in self.results
            self.results[call] = result

    @invariant()
    def every_call_that_was_answered_and_reported_has_its_own_result(self) -> None:
        done = {
            call
            for task_id, call in self.owners.items()
            if call not in self.unanswered and task_id not in self.unreported
        }
        assert self.results == {call: f'result of {call}' for call in done}

    @invariant()
    def nothing_is_kept_for_nobody(self) -> None:
        if not self.unanswered:
            assert self.calls.early_results == 0
        assert len(self.calls) == len(self.owners) - len(self.results)


TestAnyOrder = AnyOrder.TestCase
