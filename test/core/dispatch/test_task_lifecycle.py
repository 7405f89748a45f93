import itertools

import pytest
from dispatcher_driver import GATEWAY, ROS, DispatcherDriver, only
from virtual_fleet import EPOCH, HALT, LIFT, PUMP, make_spec, move

from hos_device_layer.core.dispatch.connection_states import ConnectionEvent
from hos_device_layer.core.dispatch.dispatcher import DispatcherLimits
from hos_device_layer.core.dispatch.effects import (
    CloseDevice,
    LogDropped,
    PublishConnectionEvent,
    PublishResult,
    WithdrawCommand,
)
from hos_device_layer.core.dispatch.events import (
    ConnectRequested,
    LinkClosed,
    Pinged,
    ResultReported,
    SendFailed,
    SpecReplaced,
    StopRequested,
    Tick,
)
from hos_device_layer.core.dispatch.task_lifecycle import REMEMBERED_TASKS
from hos_device_layer.core.errors import HosError

# Calls


def test_an_accepted_call_sends_a_command_with_the_task_id(driver):
    command = driver.call('P1')
    assert command == (1, PUMP.uid, driver.dispatcher.spec.functions['move'], ('7', '1'), 'M7F1')
    assert driver.call().serialized is None


def test_a_call_is_refused_while_there_is_no_task_id():
    class TaskIdsDouble:
        def __init__(self):
            self._next = iter([1, HosError('the disk is full'), HosError('still full'), 2])

        def __next__(self):
            task_id = next(self._next)
            if isinstance(task_id, HosError):
                raise task_id
            return task_id

    driver = DispatcherDriver(task_ids=TaskIdsDouble())
    driver.connect()
    assert driver.call().cmd_id == 1
    assert driver.call_error() == 'the disk is full'
    assert driver.call_error() == 'still full'
    assert driver.call().cmd_id == 2


@pytest.mark.parametrize(
    ('device_id', 'facts'),
    [('L9', ['L9', 'fleet-lab', 'add']), ('L2', ['L2', 'no uid', 'fleet-lab'])],
)
def test_a_call_without_a_reachable_device_is_refused(driver, device_id, facts):
    error = driver.call_error(device_id)
    for fact in facts:
        assert fact in error


def test_a_call_is_refused_with_the_reason_unless_the_device_is_connected():
    driver = DispatcherDriver()
    for event, reason in (
        (Tick(99.0), 'since the device manager started'),
        (ConnectRequested(11), None),
        (LinkClosed(11), 'timed out'),
        (Tick(99.0), 'disconnected'),
        (Pinged(11), None),
    ):
        driver.handle(event, 99.0 if reason == 'disconnected' else 0.0)
        if reason is None:
            driver.call(now=99.0)
        else:
            assert reason in driver.call_error(now=99.0)


def test_a_call_that_does_not_fit_the_specification_starts_nothing(driver):
    assert 'has no function' in driver.call_error(function_name='fly')
    assert 'expected x, fast' in driver.call_error(arguments=())
    assert len(driver.dispatcher.tasks) == 0
    assert driver.call().cmd_id == 1


def test_max_in_flight_limits_the_running_calls_of_a_function():
    driver = DispatcherDriver(make_spec(functions=[move(max_in_flight=2), HALT]))
    driver.connect(LIFT.uid)
    driver.connect(PUMP.uid)
    commands = [driver.call(), driver.call()]
    error = driver.call_error()
    assert "'L1' is already running 'move' 2 times" in error
    driver.call('P1')
    driver.call('L1', 'halt', ())
    driver.report(commands[0])
    driver.call()


def test_max_running_tasks_limits_the_running_tasks():
    driver = DispatcherDriver(limits=DispatcherLimits(max_running_tasks=1))
    driver.connect(LIFT.uid)
    command = driver.call()
    assert 'max_running_tasks' in driver.call_error()
    driver.report(command)
    driver.call()


def test_a_reused_task_id_skips_running_tasks():
    driver = DispatcherDriver(task_ids=itertools.cycle([1, 2, 3]))
    driver.connect(LIFT.uid)
    commands = [driver.call() for _ in range(3)]
    driver.report(commands[1])
    assert driver.call().cmd_id == 2


# Results


def test_an_unanswered_command_is_withdrawn_before_its_result_is_published(driver):
    command = driver.call()
    withdrawal, result = driver.handle(Tick(5.0), 5.0)
    assert withdrawal == WithdrawCommand(ROS, LIFT.uid, command.cmd_id)
    assert isinstance(result, PublishResult)
    command = driver.call()
    assert [type(effect) for effect in driver.report(command)] == [WithdrawCommand, PublishResult]


@pytest.mark.parametrize('is_valid', [True, False])
def test_an_answered_command_is_not_withdrawn(driver, is_valid):
    command = driver.call()
    effects = [*driver.answer(command, is_valid), *driver.report(command)]
    assert WithdrawCommand not in [type(effect) for effect in effects]


def test_a_result_has_the_names_and_types_of_the_specification(driver):
    command = driver.call(now=2.0)
    assert driver.answer(command, True, '', 2.1) == []
    assert driver.report(command, 'V5', now=3.5) == [
        PublishResult(1, True, '', '{"height":5}', EPOCH + 2.0, EPOCH + 3.5)
    ]


@pytest.mark.parametrize(
    ('success', 'error', 'result', 'facts'),
    [
        (False, 'stuck at 3 mm', 'V5', ['stuck at 3 mm']),
        (False, '', '', ['no reason']),
        (True, '', '', ['move', 'height:int32', 'expected 1, got 0']),
        (True, '', 'V1.5', ['move', 'height:int32', '1.5']),
        (True, '', '{"depth": 5}', ['move', 'height:int32', 'depth']),
        (True, '', '[' * 5000, ['move', 'height:int32']),
        (True, '', '{"a":' * 5000, ['move', 'height:int32']),
    ],
)
def test_a_failure_or_an_invalid_result_fails_the_task(driver, success, error, result, facts):
    command = driver.call()
    effects = driver.report(command, result, success, error)
    task_result = only(effects, PublishResult)
    assert not task_result.success
    assert task_result.result_jsons == '{}'
    for fact in facts:
        assert fact in task_result.error


def test_a_refused_command_fails_the_task_with_the_reason(driver):
    for error, fact in (('too heavy', 'too heavy'), ('', 'no reason')):
        command = driver.call()
        effects = driver.answer(command, False, error, 1.0)
        result = only(effects, PublishResult)
        assert not result.success
        assert 'L1' in result.error
        assert 'move' in result.error
        assert fact in result.error


def test_a_command_that_cannot_be_sent_fails_its_task_once(driver):
    command = driver.call()
    result = only(driver.handle(SendFailed(command.cmd_id, 'no way'), 1.0), PublishResult)
    assert (result.success, result.error) == (False, 'no way')
    assert driver.handle(SendFailed(command.cmd_id, 'no way'), 1.0) == []


def test_a_result_from_another_device_is_dropped(driver):
    command = driver.call()
    effects = driver.handle(ResultReported(PUMP.uid, command.cmd_id, True, '', 'V5'), 1.0)
    reason = only(effects, LogDropped).reason
    for fact in (str(PUMP.uid), str(LIFT.uid), 'L1'):
        assert fact in reason
    assert only(driver.report(command), PublishResult).success


def test_a_late_message_is_dropped_with_the_end_of_its_task(driver):
    command = driver.call()
    driver.handle(Tick(5.0), 5.0)
    assert 'did not accept' in only(driver.report(command), LogDropped).reason
    effects = driver.answer(command, True, '', 5.1)
    assert 'did not accept' in only(effects, LogDropped).reason
    unknown = driver.handle(ResultReported(LIFT.uid, 4_000_000_000, True, '', 'V5'), 1.0)
    assert 'unknown' in only(unknown, LogDropped).reason


def test_a_result_that_its_device_sends_again_is_no_error(driver):
    command = driver.call()
    driver.report(command)
    assert driver.report(command) == []
    driver.handle(Tick(99.0), 99.0)
    assert driver.report(command) == []
    for forged in (
        driver.report(command, link=GATEWAY),
        driver.handle(ResultReported(PUMP.uid, command.cmd_id, True, '', 'V5')),
    ):
        assert 'already reported' in only(forged, LogDropped).reason


def test_a_result_may_arrive_before_the_acceptance(driver):
    for success in (True, False):
        command = driver.call()
        driver.report(command, 'V5', success, 'bent')
        assert driver.answer(command, True, '', 1.0) == []


def test_the_texts_of_devices_are_shortened_and_few_ended_tasks_remembered(driver):
    command = driver.call()
    driver.answer(command, False, 'no\n' * 10_000)
    reason = only(driver.report(command), LogDropped).reason
    assert len(reason) < 500
    assert '\n' not in reason
    for _ in range(REMEMBERED_TASKS + 10):
        driver.report(driver.call())
    assert len(driver.dispatcher._lifecycle._ended) == REMEMBERED_TASKS


# Time limits


def test_a_device_that_does_not_accept_in_time_fails_the_task(driver):
    driver.call()
    assert driver.dispatcher.next_deadline() <= 5.0
    assert driver.handle(Tick(4.9), 4.9) == []
    error = only(driver.handle(Tick(5.0), 5.0), PublishResult).error
    for fact in ('L1', 'move', 'accept', '5 s'):
        assert fact in error


def test_a_device_that_does_not_finish_in_time_fails_the_task(driver):
    command = driver.call('L1', 'halt', ())
    driver.answer(command, True, '', 1.0)
    # Accepting it once more grants no more time.
    driver.answer(command, True, '', 2.5)
    error = only(
        driver.handle(Tick(1.0 + HALT.timeout_s), 1.0 + HALT.timeout_s), PublishResult
    ).error
    for fact in ('L1', 'halt', 'finish', '2 s'):
        assert fact in error


def test_running_tasks_continue_in_a_timeout_and_end_with_the_disconnection(
    driver,
):
    command = driver.call()
    driver.answer(command, True, '', 0.0)
    driver.handle(LinkClosed(LIFT.uid), 1.0)
    driver.handle(LinkClosed(PUMP.uid), 30.0)
    assert command.cmd_id in driver.dispatcher.tasks
    effects = driver.handle(Tick(16.0), 16.0)
    change, result = only(effects, PublishConnectionEvent), only(effects, PublishResult)
    assert only(effects, CloseDevice) == CloseDevice(ROS, LIFT.uid)
    assert change.event is ConnectionEvent.DISCONNECTED
    assert (result.task_id, result.success) == (command.cmd_id, False)
    assert 'L1' in result.error
    assert 'disconnected' in result.error


def test_a_result_is_accepted_while_the_device_is_timed_out(driver):
    command = driver.call()
    driver.handle(LinkClosed(LIFT.uid), 1.0)
    assert only(driver.report(command), PublishResult).success


def test_a_stop_ends_every_running_task(driver):
    commands = [driver.call(), driver.call('P1')]
    effects = driver.handle(StopRequested(), 1.0)
    results = [effect for effect in effects if isinstance(effect, PublishResult)]
    assert [result.task_id for result in results] == [command.cmd_id for command in commands]
    assert all('stopped' in result.error for result in results)
    assert driver.handle(StopRequested(), 1.0) == []


def test_a_running_task_keeps_the_definition_it_started_with(driver):
    old = driver.call()
    spec = make_spec(functions=[move('height:float32', 'done:bool')])
    assert driver.handle(SpecReplaced(spec), 0.5) == []
    new = driver.call()
    assert only(driver.report(old, 'V5'), PublishResult).result_jsons == '{"height":5}'
    assert only(driver.report(new, 'V5V1'), PublishResult).success


@pytest.mark.parametrize(
    ('report', 'outcome'),
    [
        (DispatcherDriver.report, {'success': False}),
        (DispatcherDriver.answer, {'is_valid': False}),
    ],
)
def test_an_error_with_nul_is_published_to_its_end(driver, report, outcome):
    effects = report(driver, driver.call(), error='jam\0med', **outcome)
    # A text of a ROS message would end at NUL.
    assert only(effects, PublishResult).error.endswith('jam␀med')
