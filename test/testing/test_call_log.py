"""That the checker of the soak finds what it looks for: planted faults, one each."""

from __future__ import annotations

import pytest
from call_log import ON_THE_WAY_S, Answer, CallLog, Execution, Pause, Result


@pytest.fixture
def log() -> CallLog:
    """Three calls: one succeeded, one failed before it was executed, one was refused."""
    return CallLog(
        answers=[
            Answer('a', 11, 10.0, 1),
            Answer('b', 12, 10.0, 2),
            Answer('c', 11, 10.0, 0),
        ],
        results=[Result(1, True, 'a', 10.5), Result(2, False, '', 12.0)],
        executions=[Execution(11, 1, 'a', 10.1)],
        pauses=[],
    )


def only_problem(log: CallLog) -> str:
    (problem,) = log.problems()
    return problem


def test_a_log_without_faults_has_no_problems(log: CallLog) -> None:
    assert log.problems() == []


def test_a_failed_task_may_have_been_executed(log: CallLog) -> None:
    log.executions.append(Execution(12, 2, 'b', 10.1))
    assert log.problems() == []


def test_a_lost_result_is_found(log: CallLog) -> None:
    del log.results[1]
    assert only_problem(log) == 'lost: no result of task 2 (b)'


def test_a_doubled_result_is_found(log: CallLog) -> None:
    log.results.append(Result(1, False, '', 11.0))
    assert only_problem(log) == 'doubled: 2 results of task 1'


def test_the_result_of_another_task_is_found(log: CallLog) -> None:
    log.results[1] = Result(2, True, 'a', 12.0)
    log.executions.append(Execution(12, 2, 'b', 10.1))
    assert only_problem(log) == 'foreign: a is the result of task 2 (b)'


def test_a_result_of_a_task_that_nobody_called_is_found(log: CallLog) -> None:
    log.results.append(Result(3, True, 'a', 11.0))
    assert only_problem(log) == 'foreign: a result of task 3, which nobody called'


def test_a_success_without_an_execution_is_found(log: CallLog) -> None:
    log.results[1] = Result(2, True, 'b', 12.0)
    assert only_problem(log) == 'invented: no device received task 2 (b)'


def test_a_command_that_is_executed_twice_is_found(log: CallLog) -> None:
    log.executions.append(Execution(11, 1, 'a', 10.2))
    assert only_problem(log) == 'executed twice: command 1, 2 times'


def test_a_call_that_is_executed_as_two_commands_is_found(log: CallLog) -> None:
    # Two managers that serve one call each send a command with an id of their own.
    log.executions.append(Execution(11, 9, 'a', 10.2))
    assert only_problem(log) == 'executed twice: a, as commands [1, 9]'


def test_the_execution_of_a_refused_call_is_found(log: CallLog) -> None:
    log.executions.append(Execution(11, 9, 'c', 10.2))
    assert only_problem(log) == 'refused: uid 11 received c'


def test_the_execution_by_another_device_is_found(log: CallLog) -> None:
    log.executions.append(Execution(11, 2, 'b', 10.2))
    assert only_problem(log) == 'misdirected: uid 11 received b of uid 12'


class TestLateDelivery:
    """The result of task 2, of device 12, is published at 12.0 s."""

    def test_a_command_after_its_result_is_found(self, log: CallLog) -> None:
        log.executions.append(Execution(12, 2, 'b', 13.5))
        assert only_problem(log) == 'late: command 2, 1.500 s after its result'

    def test_a_command_that_was_on_its_way_is_not_late(self, log: CallLog) -> None:
        log.executions.append(Execution(12, 2, 'b', 12.0 + ON_THE_WAY_S))
        assert log.problems() == []

    @pytest.mark.parametrize('pause', [(9.0, 10.1), (11.0, 11.5), (11.9, 13.0)])
    def test_a_command_to_a_device_that_did_not_read_is_not_late(
        self, log: CallLog, pause: tuple[float, float]
    ) -> None:
        log.executions.append(Execution(12, 2, 'b', 13.5))
        log.pauses.append(Pause(12, *pause))
        assert log.problems() == []

    @pytest.mark.parametrize('pause', [(8.0, 9.9), (12.1, 13.4)])
    def test_a_pause_before_the_call_or_after_the_result_is_no_reason(
        self, log: CallLog, pause: tuple[float, float]
    ) -> None:
        log.executions.append(Execution(12, 2, 'b', 13.5))
        log.pauses.append(Pause(12, *pause))
        assert only_problem(log).startswith('late: command 2')

    def test_the_pause_of_another_device_is_no_reason(self, log: CallLog) -> None:
        log.executions.append(Execution(12, 2, 'b', 13.5))
        log.pauses.append(Pause(11, 9.0, 13.0))
        assert only_problem(log).startswith('late: command 2')
