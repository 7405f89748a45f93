import itertools

import pytest
from virtual_fleet import EPOCH, HALT, LIFT, PUMP, at, device, make_spec, move

from hos_device_layer.core.dispatch.calls import Argument
from hos_device_layer.core.dispatch.connections import ConnectionEvent, ConnectionState
from hos_device_layer.core.dispatch.dispatcher import (
    _REMEMBERED_TASKS,
    Dispatcher,
    DispatcherLimits,
)
from hos_device_layer.core.dispatch.effects import (
    LogDropped,
    PublishConnectionEvent,
    PublishResult,
)
from hos_device_layer.core.errors import (
    ArgumentError,
    BusyError,
    DeviceNotConnectedError,
    UnknownDeviceIdError,
    UnknownFunctionError,
    UnknownUidError,
)
from hos_device_layer.core.spec.records import LeftOut, Spec

GOOD = (Argument('x', 'int32', '7'), Argument('fast', 'bool', '1'))


def make(spec=None, limits=None, task_ids=None, fleet='lab'):
    ids = itertools.count(1) if task_ids is None else task_ids
    return Dispatcher(spec or make_spec(), fleet, limits or DispatcherLimits(), ids, at(0.0))


@pytest.fixture
def dispatcher():
    dispatcher = make()
    dispatcher.connect(LIFT.uid, at(0.0))
    dispatcher.connect(PUMP.uid, at(0.0))
    return dispatcher


def call(dispatcher, device_id='L1', now=0.0):
    return dispatcher.call(device_id, 'move', GOOD, at(now))


def only(effects, kind):
    (effect,) = effects
    assert isinstance(effect, kind)
    return effect


def report(dispatcher, command, result='V5', now=1.0):
    return dispatcher.command_result(command.uid, command.cmd_id, True, '', result, at(now))


# Connections


def test_a_device_of_the_fleet_connects():
    change = only(make().connect(LIFT.uid, at(3.0)), PublishConnectionEvent)
    assert change == (ConnectionEvent.CONNECTED, LIFT.uid, LIFT, EPOCH + 3.0)


def test_a_device_that_was_connected_before_a_restart_is_connected_by_its_ping():
    dispatcher = make()
    assert (
        only(dispatcher.ping(LIFT.uid, at(3.0)), PublishConnectionEvent).notice
        is ConnectionEvent.CONNECTED
    )
    assert [c.device for c in dispatcher.connected()] == [LIFT]


def test_an_unknown_device_is_told_where_to_be_added_and_stays_visible():
    dispatcher = make()
    with pytest.raises(UnknownUidError) as caught:
        dispatcher.connect(99, at(0.0))
    assert caught.value.uid == 99
    assert '99' in str(caught.value)
    assert 'fleet-lab' in str(caught.value)
    assert dispatcher.connections[99].state is ConnectionState.WAITING
    assert dispatcher.ping(99, at(1.0)) == []


def test_the_first_ping_of_an_unknown_device_is_told_and_the_next_are_not():
    dispatcher = make()
    assert 'fleet-lab' in only(dispatcher.ping(99, at(1.0)), LogDropped).reason
    assert dispatcher.ping(99, at(2.0)) == []
    with pytest.raises(UnknownUidError):
        dispatcher.connect(99, at(3.0))


def test_a_fleet_that_does_not_exist_is_named_with_those_that_do():
    with pytest.raises(UnknownUidError, match=r'fleet-lob.*the fleets are: lab'):
        make(fleet='lob').connect(LIFT.uid, at(0.0))
    with pytest.raises(UnknownUidError, match='none'):
        make(Spec()).connect(LIFT.uid, at(0.0))


def test_a_device_whose_row_has_a_problem_is_told_this_problem():
    left_out = LeftOut(uids={99: 'two rows have it'}, devices={('lab', 'X'): 'two rows have it'})
    dispatcher = make(make_spec(left_out=left_out))
    with pytest.raises(UnknownUidError, match='two rows have it'):
        dispatcher.connect(99, at(0.0))
    with pytest.raises(UnknownDeviceIdError, match='two rows have it'):
        call(dispatcher, 'X')


@pytest.mark.parametrize('limit', [0, 3])
def test_only_so_many_unknown_devices_are_remembered(limit):
    dispatcher = make(limits=DispatcherLimits(max_waiting_devices=limit))
    for uid in range(1000, 1010):
        with pytest.raises(UnknownUidError):
            dispatcher.connect(uid, at(0.0))
        dispatcher.ping(uid + 100, at(0.0))
    assert sum(c.state is ConnectionState.WAITING for c in dispatcher.connections) == limit
    only(dispatcher.connect(LIFT.uid, at(0.0)), PublishConnectionEvent)


def test_the_way_to_a_device_that_nobody_knows_may_close():
    assert make().connection_closed(99, at(0.0)) == []


# Calls


def test_an_accepted_call_is_a_command_with_the_id_of_its_task(dispatcher):
    command = call(dispatcher, 'P1')
    assert command == (1, PUMP.uid, dispatcher.spec.functions['move'], ('7', '1'), 'M7F1')
    assert call(dispatcher).serialized is None


@pytest.mark.parametrize(
    ('device_id', 'error', 'facts'),
    [
        ('L9', UnknownDeviceIdError, ['L9', 'fleet-lab', 'add']),
        ('L2', DeviceNotConnectedError, ['L2', 'no uid', 'fleet-lab']),
    ],
)
def test_a_call_that_reaches_no_device_is_refused(dispatcher, device_id, error, facts):
    with pytest.raises(error) as caught:
        call(dispatcher, device_id)
    for fact in facts:
        assert fact in str(caught.value)
    assert (caught.value.device_id, caught.value.function_name) == (device_id, 'move')


def test_calls_are_refused_with_the_reason_unless_the_device_is_connected():
    dispatcher = make()
    for prepare, reason in (
        (lambda: None, 'since the device manager started'),
        (lambda: dispatcher.connect(11, at(0.0)), None),
        (lambda: dispatcher.connection_closed(11, at(0.0)), 'timed out'),
        (lambda: dispatcher.advance(at(99.0)), 'disconnected'),
        (lambda: dispatcher.ping(11, at(99.0)), None),
    ):
        prepare()
        if reason is None:
            call(dispatcher, now=99.0)
        else:
            with pytest.raises(DeviceNotConnectedError, match=reason):
                call(dispatcher, now=99.0)


def test_a_call_that_does_not_fit_the_specification_starts_nothing(dispatcher):
    with pytest.raises(UnknownFunctionError):
        dispatcher.call('L1', 'fly', GOOD, at(0.0))
    with pytest.raises(ArgumentError):
        dispatcher.call('L1', 'move', [], at(0.0))
    assert len(dispatcher.tasks) == 0
    assert call(dispatcher).cmd_id == 1


def test_a_function_runs_as_often_as_its_row_allows():
    dispatcher = make(make_spec(functions=[move(max_in_flight=2), HALT]))
    dispatcher.connect(LIFT.uid, at(0.0))
    dispatcher.connect(PUMP.uid, at(0.0))
    commands = [call(dispatcher), call(dispatcher)]
    with pytest.raises(BusyError, match=r'L1.*move.*2'):
        call(dispatcher)
    call(dispatcher, 'P1')
    dispatcher.call('L1', 'halt', [], at(0.0))
    report(dispatcher, commands[0])
    call(dispatcher)


def test_no_more_tasks_run_than_the_parameter_allows():
    dispatcher = make(limits=DispatcherLimits(max_running_tasks=1))
    dispatcher.connect(LIFT.uid, at(0.0))
    command = call(dispatcher)
    with pytest.raises(BusyError, match='max_running_tasks'):
        call(dispatcher)
    report(dispatcher, command)
    call(dispatcher)


def test_ids_that_begin_again_pass_over_tasks_that_still_run():
    dispatcher = make(task_ids=itertools.cycle([1, 2, 3]))
    dispatcher.connect(LIFT.uid, at(0.0))
    commands = [call(dispatcher) for _ in range(3)]
    report(dispatcher, commands[1])
    assert call(dispatcher).cmd_id == 2


# Results


def test_a_result_has_the_names_and_types_of_the_specification(dispatcher):
    command = call(dispatcher, now=2.0)
    assert dispatcher.command_answered(command.cmd_id, True, '', at(2.1)) == []
    assert report(dispatcher, command, 'V5', now=3.5) == [
        PublishResult(11, 1, True, '', '{"height":5}', EPOCH + 2.0, EPOCH + 3.5)
    ]


@pytest.mark.parametrize(
    ('success', 'error', 'result', 'facts'),
    [
        (False, 'stuck at 3 mm', 'V5', ['stuck at 3 mm']),
        (False, '', '', ['no reason']),
        (True, '', '', ['move', 'height:int32', '0 values']),
        (True, '', 'V1.5', ['move', 'height:int32', '1.5']),
        (True, '', '{"depth": 5}', ['move', 'height:int32', 'depth']),
        (True, '', '[' * 5000, ['move', 'height:int32']),
        (True, '', '{"a":' * 5000, ['move', 'height:int32']),
    ],
)
def test_a_failure_and_a_result_that_does_not_fit_fail_the_task(
    dispatcher, success, error, result, facts
):
    command = call(dispatcher)
    effects = dispatcher.command_result(
        command.uid, command.cmd_id, success, error, result, at(1.0)
    )
    task_result = only(effects, PublishResult)
    assert not task_result.success
    assert task_result.result_jsons == '{}'
    for fact in facts:
        assert fact in task_result.error


def test_a_refusal_ends_the_task_with_its_reason(dispatcher):
    for error, fact in (('too heavy', 'too heavy'), ('', 'no reason')):
        command = call(dispatcher)
        effects = dispatcher.command_answered(command.cmd_id, False, error, at(1.0))
        result = only(effects, PublishResult)
        assert not result.success
        assert 'L1' in result.error
        assert 'move' in result.error
        assert fact in result.error


def test_a_command_that_cannot_be_sent_fails_its_task_once(dispatcher):
    command = call(dispatcher)
    result = only(dispatcher.command_failed(command.cmd_id, 'no way', at(1.0)), PublishResult)
    assert (result.success, result.error) == (False, 'no way')
    assert dispatcher.command_failed(command.cmd_id, 'no way', at(1.0)) == []


def test_a_result_from_another_device_is_dropped_and_the_task_runs_on(dispatcher):
    command = call(dispatcher)
    effects = dispatcher.command_result(PUMP.uid, command.cmd_id, True, '', 'V5', at(1.0))
    reason = only(effects, LogDropped).reason
    for fact in (str(PUMP.uid), str(LIFT.uid), 'L1'):
        assert fact in reason
    assert only(report(dispatcher, command), PublishResult).success


def test_what_comes_late_is_dropped_and_says_how_the_task_had_ended(dispatcher):
    command = call(dispatcher)
    report(dispatcher, command)
    assert 'had reported' in only(report(dispatcher, command), LogDropped).reason
    command = call(dispatcher)
    dispatcher.advance(at(5.0))
    assert 'did not accept' in only(report(dispatcher, command), LogDropped).reason
    effects = dispatcher.command_answered(command.cmd_id, True, '', at(5.1))
    assert 'did not accept' in only(effects, LogDropped).reason
    unknown = dispatcher.command_result(LIFT.uid, 4_000_000_000, True, '', 'V5', at(1.0))
    assert 'unknown' in only(unknown, LogDropped).reason


def test_a_device_may_report_before_it_accepts(dispatcher):
    for success in (True, False):
        command = call(dispatcher)
        dispatcher.command_result(command.uid, command.cmd_id, success, 'bent', 'V5', at(1.0))
        assert dispatcher.command_answered(command.cmd_id, True, '', at(1.0)) == []


def test_what_a_device_says_is_bounded_in_the_log_and_in_the_memory(dispatcher):
    command = call(dispatcher)
    dispatcher.command_answered(command.cmd_id, False, 'no\n' * 10_000, at(1.0))
    reason = only(report(dispatcher, command), LogDropped).reason
    assert len(reason) < 500
    assert '\n' not in reason
    for _ in range(_REMEMBERED_TASKS + 10):
        report(dispatcher, call(dispatcher))
    assert len(dispatcher._ended) == _REMEMBERED_TASKS


# Time


def test_a_device_that_does_not_accept_in_time_fails_the_task(dispatcher):
    call(dispatcher)
    assert dispatcher.next_deadline() <= 5.0
    assert dispatcher.advance(at(4.9)) == []
    error = only(dispatcher.advance(at(5.0)), PublishResult).error
    for fact in ('L1', 'move', 'accept', '5 s'):
        assert fact in error


def test_a_device_that_does_not_finish_in_time_fails_the_task(dispatcher):
    command = dispatcher.call('L1', 'halt', [], at(0.0))
    dispatcher.command_answered(command.cmd_id, True, '', at(1.0))
    # Accepting it once more grants no more time.
    dispatcher.command_answered(command.cmd_id, True, '', at(2.5))
    error = only(dispatcher.advance(at(1.0 + HALT.timeout_s)), PublishResult).error
    for fact in ('L1', 'halt', 'finish', '2 s'):
        assert fact in error


def test_running_tasks_wait_while_the_device_is_timed_out_and_end_with_its_disconnection(
    dispatcher,
):
    command = call(dispatcher)
    dispatcher.command_answered(command.cmd_id, True, '', at(0.0))
    dispatcher.connection_closed(LIFT.uid, at(1.0))
    dispatcher.connection_closed(PUMP.uid, at(30.0))
    assert command.cmd_id in dispatcher.tasks
    change, result = dispatcher.advance(at(16.0))
    assert change.notice is ConnectionEvent.DISCONNECTED
    assert (result.task_id, result.success) == (command.cmd_id, False)
    assert 'L1' in result.error
    assert 'disconnected' in result.error


def test_a_result_counts_while_the_device_is_timed_out(dispatcher):
    command = call(dispatcher)
    dispatcher.connection_closed(LIFT.uid, at(1.0))
    assert only(report(dispatcher, command), PublishResult).success


def test_a_stop_ends_every_task(dispatcher):
    commands = [call(dispatcher), call(dispatcher, 'P1')]
    results = dispatcher.stop(at(1.0))
    assert [result.task_id for result in results] == [command.cmd_id for command in commands]
    assert all('stopped' in result.error for result in results)
    assert dispatcher.stop(at(1.0)) == []


# Another specification


def test_a_device_that_left_the_fleet_is_disconnected_and_its_tasks_end(dispatcher):
    command = call(dispatcher)
    call(dispatcher, 'P1')
    change, result = dispatcher.replace_spec(make_spec([PUMP]), at(1.0))
    assert change[:3] == (ConnectionEvent.DISCONNECTED, LIFT.uid, LIFT)
    assert result.task_id == command.cmd_id
    assert 'row' in result.error
    assert dispatcher.connections.get(LIFT.uid) is None
    assert len(dispatcher.tasks) == 1
    with pytest.raises(UnknownDeviceIdError):
        call(dispatcher)


def test_a_device_that_waits_is_connected_when_its_row_comes(dispatcher):
    new = device('L9', 99)
    dispatcher.ping(99, at(0.0))
    change = only(
        dispatcher.replace_spec(make_spec([LIFT, PUMP, new]), at(1.0)), PublishConnectionEvent
    )
    assert change == (ConnectionEvent.CONNECTED, 99, new, EPOCH + 1.0)
    assert call(dispatcher, 'L9').uid == 99


def test_a_device_whose_type_changed_begins_anew(dispatcher):
    changed = device('L1', LIFT.uid, 'Pump')
    change = only(
        dispatcher.replace_spec(make_spec([changed, PUMP]), at(1.0)), PublishConnectionEvent
    )
    assert (change.notice, change.device) == (ConnectionEvent.DISCONNECTED, LIFT)
    change = only(dispatcher.ping(LIFT.uid, at(2.0)), PublishConnectionEvent)
    assert (change.notice, change.device) == (ConnectionEvent.CONNECTED, changed)


def test_a_device_with_a_new_name_stays_connected(dispatcher):
    renamed = device('L7', LIFT.uid)
    assert dispatcher.replace_spec(make_spec([renamed, PUMP]), at(1.0)) == []
    assert call(dispatcher, 'L7').uid == LIFT.uid
    with pytest.raises(UnknownDeviceIdError):
        call(dispatcher, 'L1')


def test_a_running_task_ends_under_the_definition_it_began_with(dispatcher):
    old = call(dispatcher)
    spec = make_spec(functions=[move('height:float32', 'done:bool')])
    assert dispatcher.replace_spec(spec, at(0.5)) == []
    new = call(dispatcher)
    assert only(report(dispatcher, old, 'V5'), PublishResult).result_jsons == '{"height":5}'
    assert only(report(dispatcher, new, 'V5V1'), PublishResult).success


# Streams


def test_a_sample_is_judged_by_the_streams_of_its_device(dispatcher):
    assert dispatcher.stream_sample(LIFT.uid, 'height', 'V1.5') == []
    for uid, name, data, facts in (
        (LIFT.uid, 'height', 'V', ['height', 'L1', 'float32']),
        (LIFT.uid, 'flow', 'V1.5', ['flow', str(LIFT.uid)]),
        (LIFT.uid, 'x\n' * 9_999, 'V1.5', [str(LIFT.uid)]),
        (99, 'height', 'V1.5', ['height', '99']),
    ):
        reason = only(dispatcher.stream_sample(uid, name, data), LogDropped).reason
        for fact in facts:
            assert fact in reason
        assert len(reason) < 500
        assert '\n' not in reason
    assert [stream.name for stream in dispatcher.streams_of(PUMP)] == ['flow']
