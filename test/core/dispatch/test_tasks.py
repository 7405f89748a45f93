import pytest
from virtual_fleet import HALT, LIFT, MOVE, PUMP, at

from hos_device_layer.core.dispatch.tasks import RunningTask, RunningTasks

ACCEPT_S, RESULT_S = 5.0, 60.0


@pytest.fixture
def tasks():
    return RunningTasks(ACCEPT_S, RESULT_S)


def start(tasks, task_id, device=LIFT, function=MOVE, steady=0.0):
    task = RunningTask(task_id, device.uid, device, function, 'ros', at(steady))
    tasks.start(task)
    return task


def test_only_running_tasks_are_found(tasks):
    task = start(tasks, 7)
    assert tasks.get(7) is task
    assert 7 in tasks
    assert (list(tasks), len(tasks)) == ([task], 1)
    tasks.end(task)
    assert tasks.get(7) is None
    assert 7 not in tasks
    assert (list(tasks), len(tasks)) == ([], 0)


def test_a_task_has_a_time_limit_to_be_accepted_and_another_to_finish(tasks):
    task = start(tasks, 1, steady=100.0)
    assert not task.accepted
    assert tasks.take_late(104.9) == []
    tasks.accept(task, at(104.9))
    assert task.accepted
    assert tasks.take_late(164.8) == []
    assert tasks.take_late(164.9) == [task]


def test_a_function_may_set_its_own_time_limit(tasks):
    task = start(tasks, 1, function=HALT)
    assert tasks.timeout_s(HALT) == HALT.timeout_s
    assert tasks.timeout_s(MOVE) == RESULT_S
    tasks.accept(task, at(1.0))
    assert tasks.take_late(1.0 + HALT.timeout_s) == [task]


def test_a_time_limit_shorter_than_that_for_accepting_is_used(tasks):
    task = start(tasks, 1, function=HALT)
    tasks.accept(task, at(0.0))
    assert tasks.next_deadline() <= HALT.timeout_s < ACCEPT_S
    assert tasks.take_late(HALT.timeout_s) == [task]


def test_late_tasks_are_returned_in_the_order_of_their_deadlines(tasks):
    second, first = start(tasks, 1, steady=1.0), start(tasks, 2, steady=0.0)
    assert tasks.next_deadline() <= ACCEPT_S
    assert tasks.take_late(99.0) == [first, second]


def test_an_ended_task_is_never_late(tasks):
    tasks.end(start(tasks, 1))
    assert tasks.take_late(1e6) == []
    assert tasks.next_deadline() is None


def test_tasks_are_counted_by_device_and_function(tasks):
    other = start(tasks, 1, PUMP)
    moves = [start(tasks, task_id) for task_id in (2, 3)]
    halt = start(tasks, 4, function=HALT)
    assert tasks.count(LIFT.uid, 'move') == 2
    assert tasks.count(LIFT.uid, 'halt') == 1
    assert tasks.count(PUMP.uid, 'halt') == 0
    assert tasks.of_device(LIFT.uid) == [*moves, halt]
    assert tasks.of_device(PUMP.uid) == [other]
    assert tasks.of_device(99) == []
    tasks.end(moves[0])
    assert tasks.count(LIFT.uid, 'move') == 1
    assert tasks.of_device(LIFT.uid) == [moves[1], halt]


def test_tasks_can_be_ended_while_iterating_over_them(tasks):
    for task_id in range(5):
        start(tasks, task_id)
    for task in tasks:
        tasks.end(task)
    assert len(tasks) == 0


def test_ended_tasks_leave_nothing_behind(tasks):
    for task_id in range(100):
        task = start(tasks, task_id, function=HALT)
        if task_id % 2:
            tasks.accept(task, at(1.0))
        tasks.end(task)
    tasks.take_late(ACCEPT_S)
    assert not (tasks._tasks or tasks._by_uid or tasks._running)
    deadlines = tasks._deadlines
    assert not (deadlines._wanted or deadlines._queued or deadlines._queue)
