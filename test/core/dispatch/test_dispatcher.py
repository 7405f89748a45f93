import itertools

import pytest
from virtual_fleet import EPOCH, HALT, LIFT, PUMP, at, device, make_spec, move

from hos_device_layer.core.dispatch.calls import TypedField
from hos_device_layer.core.dispatch.connection_states import ConnectionEvent, ConnectionState
from hos_device_layer.core.dispatch.dispatcher import Dispatcher, DispatcherLimits
from hos_device_layer.core.dispatch.effects import (
    CallAnswer,
    CloseDevice,
    ConnectAnswer,
    DevicesAnswer,
    LogDropped,
    OpenDevice,
    PublishConnectionEvent,
    PublishResult,
    PublishSample,
    SendCommand,
    WithdrawCommand,
)
from hos_device_layer.core.dispatch.events import (
    CallRequested,
    CommandAnswered,
    ConnectRequested,
    DevicesRequested,
    LinkClosed,
    Pinged,
    ResultReported,
    SendFailed,
    SpecReplaced,
    StopRequested,
    StreamSampled,
    Tick,
)
from hos_device_layer.core.dispatch.task_lifecycle import REMEMBERED_TASKS
from hos_device_layer.core.spec.records import RejectedRows, Spec

ROS, GATEWAY = 'ros', 'gateway'
GOOD = (TypedField('x', 'int32', '7'), TypedField('fast', 'bool', '1'))


class Bench:
    """A dispatcher, told what happens at a time."""

    def __init__(self, spec=None, limits=None, task_ids=None, fleet='lab'):
        ids = itertools.count(1) if task_ids is None else task_ids
        self.dispatcher = Dispatcher(
            spec or make_spec(), fleet, limits or DispatcherLimits(), ids, at(0.0)
        )

    def handle(self, event, now=0.0, link=ROS):
        return self.dispatcher.handle(event, at(now), link)

    def connect(self, uid=LIFT.uid, now=0.0, link=ROS):
        *effects, answer = self.handle(ConnectRequested(uid), now, link)
        assert isinstance(answer, ConnectAnswer)
        return effects, answer

    def refusal_to_connect(self, uid=LIFT.uid, now=0.0):
        (dropped,), answer = self.connect(uid, now)
        assert not answer.success and answer.error in dropped.reason
        return answer.error

    def call(self, device_id='L1', function_name='move', arguments=GOOD, now=0.0):
        """Return the command of an accepted call."""
        sent, answer = self.handle(CallRequested(device_id, function_name, arguments), now, '')
        assert isinstance(sent, SendCommand)
        assert answer == CallAnswer(True, '', sent.command.cmd_id)
        return sent.command

    def refusal(self, device_id='L1', function_name='move', arguments=GOOD, now=0.0):
        """Return the error of a refused call."""
        (answer,) = self.handle(CallRequested(device_id, function_name, arguments), now, '')
        assert not answer.is_valid and answer.task_id == 0
        return answer.error

    def answer(self, command, is_valid=True, error='', now=1.0, link=ROS):
        event = CommandAnswered(command.uid, command.cmd_id, is_valid, error)
        return self.handle(event, now, link)

    def report(self, command, result='V5', success=True, error='', now=1.0, link=ROS):
        event = ResultReported(command.uid, command.cmd_id, success, error, result)
        return self.handle(event, now, link)


@pytest.fixture
def bench():
    bench = Bench()
    bench.connect(LIFT.uid)
    bench.connect(PUMP.uid)
    return bench


def only(effects, kind):
    """Return the one effect of a kind."""
    (effect,) = [effect for effect in effects if isinstance(effect, kind)]
    return effect


# Connections


def test_a_device_of_the_fleet_connects():
    effects, answer = Bench().connect(LIFT.uid, now=3.0)
    assert answer == ConnectAnswer(True)
    assert effects == [
        OpenDevice(ROS, LIFT, False, (make_spec().streams['height'],)),
        PublishConnectionEvent(ConnectionEvent.CONNECTED, LIFT.uid, LIFT, EPOCH + 3.0),
    ]


def test_a_device_of_a_serialized_type_is_opened_as_such():
    assert only(Bench().connect(PUMP.uid)[0], OpenDevice).serialized


def test_a_device_that_was_connected_before_a_restart_is_connected_by_its_ping():
    bench = Bench()
    effects = bench.handle(Pinged(LIFT.uid), 3.0)
    assert only(effects, PublishConnectionEvent).event is ConnectionEvent.CONNECTED
    assert [c.device for c in bench.dispatcher.connections.connected()] == [LIFT]


def test_connected_devices_are_listed_with_their_times(bench):
    bench.handle(LinkClosed(PUMP.uid), 1.0)
    (answer,) = bench.handle(DevicesRequested(), 2.0)
    assert answer == DevicesAnswer(((LIFT.uid, LIFT, EPOCH),))


def test_an_unknown_device_is_told_where_to_be_added_and_stays_visible():
    bench = Bench()
    error = bench.refusal_to_connect(99)
    assert '99' in error and 'fleet-lab' in error
    assert bench.dispatcher.connections.get(99).state is ConnectionState.WAITING
    assert bench.handle(Pinged(99), 1.0) == []


def test_an_unknown_device_is_shown_as_it_describes_itself():
    bench = Bench()
    *_, answer = bench.handle(ConnectRequested(99, "'Scale 3', type 'Scale'"))
    assert "uid 99 ('Scale 3', type 'Scale') is not in the fleet" in answer.error
    assert bench.dispatcher.connections.get(99).description == "'Scale 3', type 'Scale'"


def test_the_first_ping_of_an_unknown_device_is_logged_and_the_next_are_not():
    bench = Bench()
    assert 'fleet-lab' in only(bench.handle(Pinged(99), 1.0), LogDropped).reason
    assert bench.handle(Pinged(99), 2.0) == []
    assert bench.refusal_to_connect(99)


def test_a_fleet_that_does_not_exist_is_named_with_those_that_do():
    error = Bench(fleet='lob').refusal_to_connect()
    assert 'fleet-lob' in error and 'valid fleets: lab' in error
    assert 'none' in Bench(Spec()).refusal_to_connect()


def test_a_device_whose_row_has_a_problem_is_told_this_problem():
    rejected = RejectedRows(
        uids={99: 'two rows have it'}, devices={('lab', 'X'): 'two rows have it'}
    )
    bench = Bench(make_spec(rejected=rejected))
    assert 'two rows have it' in bench.refusal_to_connect(99)
    assert 'two rows have it' in bench.refusal('X')


@pytest.mark.parametrize('limit', [0, 3])
def test_only_so_many_unknown_devices_are_remembered(limit):
    bench = Bench(limits=DispatcherLimits(max_waiting_devices=limit))
    for uid in range(1000, 1010):
        assert bench.refusal_to_connect(uid)
        bench.handle(Pinged(uid + 100))
    states = [connection.state for connection in bench.dispatcher.connections]
    assert states.count(ConnectionState.WAITING) == limit
    assert bench.connect()[1].success


def test_the_link_of_a_device_that_nobody_knows_may_close():
    assert Bench().handle(LinkClosed(99)) == []


# Links


def test_a_device_belongs_to_the_link_through_which_it_connected(bench):
    command = bench.call()
    for event in (
        Pinged(LIFT.uid),
        CommandAnswered(LIFT.uid, command.cmd_id, False, 'forged'),
        ResultReported(LIFT.uid, command.cmd_id, True, '', 'V5'),
        StreamSampled(LIFT.uid, 'height', 'V1.5'),
    ):
        reason = only(bench.handle(event, 1.0, GATEWAY), LogDropped).reason
        assert f'uid {LIFT.uid}' in reason and "'ros', not 'gateway'" in reason
    assert bench.handle(LinkClosed(LIFT.uid), 1.0, GATEWAY) == []
    assert only(bench.report(command), PublishResult).success


def test_a_ping_through_another_link_does_not_bring_a_timed_out_device_back(bench):
    bench.handle(LinkClosed(LIFT.uid), 1.0)
    assert only(bench.handle(Pinged(LIFT.uid), 2.0, GATEWAY), LogDropped)
    bench.handle(Tick(), 16.0)
    effects = bench.handle(Pinged(LIFT.uid), 17.0, GATEWAY)
    assert only(effects, OpenDevice).link == GATEWAY


def test_a_device_that_connects_through_another_link_belongs_to_that(bench):
    command = bench.call()
    effects, _ = bench.connect(now=1.0, link=GATEWAY)
    assert [type(effect) for effect in effects] == [
        CloseDevice,
        OpenDevice,
        PublishConnectionEvent,
    ]
    assert effects[0] == (ROS, LIFT.uid)
    assert effects[1].link == GATEWAY
    assert effects[2].event is ConnectionEvent.RECONNECTED
    assert only(bench.report(command, link=ROS), LogDropped)
    assert only(bench.report(command, link=GATEWAY), PublishResult).success
    sent, _ = bench.handle(CallRequested('L1', 'move', GOOD), 2.0, '')
    assert sent.link == GATEWAY


def test_messages_of_a_device_that_is_not_connected_do_not_count():
    bench = Bench()
    reason = only(bench.handle(StreamSampled(LIFT.uid, 'height', 'V1')), LogDropped).reason
    assert 'not connected' in reason


# Calls


def test_an_accepted_call_is_a_command_with_the_id_of_its_task(bench):
    command = bench.call('P1')
    assert command == (1, PUMP.uid, bench.dispatcher.spec.functions['move'], ('7', '1'), 'M7F1')
    assert bench.call().serialized is None


@pytest.mark.parametrize(
    ('device_id', 'facts'),
    [('L9', ['L9', 'fleet-lab', 'add']), ('L2', ['L2', 'no uid', 'fleet-lab'])],
)
def test_a_call_that_reaches_no_device_is_refused(bench, device_id, facts):
    error = bench.refusal(device_id)
    for fact in facts:
        assert fact in error


def test_calls_are_refused_with_the_reason_unless_the_device_is_connected():
    bench = Bench()
    for event, reason in (
        (Tick(), 'since the device manager started'),
        (ConnectRequested(11), None),
        (LinkClosed(11), 'timed out'),
        (Tick(), 'disconnected'),
        (Pinged(11), None),
    ):
        bench.handle(event, 99.0 if reason == 'disconnected' else 0.0)
        if reason is None:
            bench.call(now=99.0)
        else:
            assert reason in bench.refusal(now=99.0)


def test_a_call_that_does_not_fit_the_specification_starts_nothing(bench):
    assert 'has no function' in bench.refusal(function_name='fly')
    assert 'expected x, fast' in bench.refusal(arguments=())
    assert len(bench.dispatcher.tasks) == 0
    assert bench.call().cmd_id == 1


def test_a_function_runs_as_often_as_its_row_allows():
    bench = Bench(make_spec(functions=[move(max_in_flight=2), HALT]))
    bench.connect(LIFT.uid)
    bench.connect(PUMP.uid)
    commands = [bench.call(), bench.call()]
    error = bench.refusal()
    assert "'L1' is already running 'move' 2 times" in error
    bench.call('P1')
    bench.call('L1', 'halt', ())
    bench.report(commands[0])
    bench.call()


def test_no_more_tasks_run_than_the_parameter_allows():
    bench = Bench(limits=DispatcherLimits(max_running_tasks=1))
    bench.connect(LIFT.uid)
    command = bench.call()
    assert 'max_running_tasks' in bench.refusal()
    bench.report(command)
    bench.call()


def test_ids_that_begin_again_pass_over_tasks_that_still_run():
    bench = Bench(task_ids=itertools.cycle([1, 2, 3]))
    bench.connect(LIFT.uid)
    commands = [bench.call() for _ in range(3)]
    bench.report(commands[1])
    assert bench.call().cmd_id == 2


# Results


def test_a_command_is_withdrawn_before_the_end_of_its_unanswered_task_is_published(bench):
    command = bench.call()
    withdrawal, result = bench.handle(Tick(), 5.0)
    assert withdrawal == WithdrawCommand(ROS, LIFT.uid, command.cmd_id)
    assert isinstance(result, PublishResult)
    command = bench.call()
    assert [type(effect) for effect in bench.report(command)] == [WithdrawCommand, PublishResult]


@pytest.mark.parametrize('is_valid', [True, False])
def test_a_command_that_was_answered_is_not_withdrawn(bench, is_valid):
    command = bench.call()
    effects = [*bench.answer(command, is_valid), *bench.report(command)]
    assert WithdrawCommand not in [type(effect) for effect in effects]


def test_a_result_has_the_names_and_types_of_the_specification(bench):
    command = bench.call(now=2.0)
    assert bench.answer(command, True, '', 2.1) == []
    assert bench.report(command, 'V5', now=3.5) == [
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
def test_a_failure_and_a_result_that_does_not_fit_fail_the_task(
    bench, success, error, result, facts
):
    command = bench.call()
    effects = bench.report(command, result, success, error)
    task_result = only(effects, PublishResult)
    assert not task_result.success
    assert task_result.result_jsons == '{}'
    for fact in facts:
        assert fact in task_result.error


def test_a_refusal_ends_the_task_with_its_reason(bench):
    for error, fact in (('too heavy', 'too heavy'), ('', 'no reason')):
        command = bench.call()
        effects = bench.answer(command, False, error, 1.0)
        result = only(effects, PublishResult)
        assert not result.success
        assert 'L1' in result.error
        assert 'move' in result.error
        assert fact in result.error


def test_a_command_that_cannot_be_sent_fails_its_task_once(bench):
    command = bench.call()
    result = only(bench.handle(SendFailed(command.cmd_id, 'no way'), 1.0), PublishResult)
    assert (result.success, result.error) == (False, 'no way')
    assert bench.handle(SendFailed(command.cmd_id, 'no way'), 1.0) == []


def test_a_result_from_another_device_is_dropped_and_the_task_runs_on(bench):
    command = bench.call()
    effects = bench.handle(ResultReported(PUMP.uid, command.cmd_id, True, '', 'V5'), 1.0)
    reason = only(effects, LogDropped).reason
    for fact in (str(PUMP.uid), str(LIFT.uid), 'L1'):
        assert fact in reason
    assert only(bench.report(command), PublishResult).success


def test_what_comes_late_is_dropped_and_says_how_the_task_had_ended(bench):
    command = bench.call()
    bench.report(command)
    assert 'already reported' in only(bench.report(command), LogDropped).reason
    command = bench.call()
    bench.handle(Tick(), 5.0)
    assert 'did not accept' in only(bench.report(command), LogDropped).reason
    effects = bench.answer(command, True, '', 5.1)
    assert 'did not accept' in only(effects, LogDropped).reason
    unknown = bench.handle(ResultReported(LIFT.uid, 4_000_000_000, True, '', 'V5'), 1.0)
    assert 'unknown' in only(unknown, LogDropped).reason


def test_a_device_may_report_before_it_accepts(bench):
    for success in (True, False):
        command = bench.call()
        bench.report(command, 'V5', success, 'bent')
        assert bench.answer(command, True, '', 1.0) == []


def test_what_a_device_says_is_bounded_in_the_log_and_in_the_memory(bench):
    command = bench.call()
    bench.answer(command, False, 'no\n' * 10_000)
    reason = only(bench.report(command), LogDropped).reason
    assert len(reason) < 500
    assert '\n' not in reason
    for _ in range(REMEMBERED_TASKS + 10):
        bench.report(bench.call())
    assert len(bench.dispatcher._lifecycle._ended) == REMEMBERED_TASKS


# Time


def test_a_device_that_does_not_accept_in_time_fails_the_task(bench):
    bench.call()
    assert bench.dispatcher.next_deadline() <= 5.0
    assert bench.handle(Tick(), 4.9) == []
    error = only(bench.handle(Tick(), 5.0), PublishResult).error
    for fact in ('L1', 'move', 'accept', '5 s'):
        assert fact in error


def test_a_device_that_does_not_finish_in_time_fails_the_task(bench):
    command = bench.call('L1', 'halt', ())
    bench.answer(command, True, '', 1.0)
    # Accepting it once more grants no more time.
    bench.answer(command, True, '', 2.5)
    error = only(bench.handle(Tick(), 1.0 + HALT.timeout_s), PublishResult).error
    for fact in ('L1', 'halt', 'finish', '2 s'):
        assert fact in error


def test_running_tasks_wait_while_the_device_is_timed_out_and_end_with_its_disconnection(
    bench,
):
    command = bench.call()
    bench.answer(command, True, '', 0.0)
    bench.handle(LinkClosed(LIFT.uid), 1.0)
    bench.handle(LinkClosed(PUMP.uid), 30.0)
    assert command.cmd_id in bench.dispatcher.tasks
    effects = bench.handle(Tick(), 16.0)
    change, result = only(effects, PublishConnectionEvent), only(effects, PublishResult)
    assert only(effects, CloseDevice) == (ROS, LIFT.uid)
    assert change.event is ConnectionEvent.DISCONNECTED
    assert (result.task_id, result.success) == (command.cmd_id, False)
    assert 'L1' in result.error
    assert 'disconnected' in result.error


def test_a_result_counts_while_the_device_is_timed_out(bench):
    command = bench.call()
    bench.handle(LinkClosed(LIFT.uid), 1.0)
    assert only(bench.report(command), PublishResult).success


def test_a_stop_ends_every_task(bench):
    commands = [bench.call(), bench.call('P1')]
    effects = bench.handle(StopRequested(), 1.0)
    results = [effect for effect in effects if isinstance(effect, PublishResult)]
    assert [result.task_id for result in results] == [command.cmd_id for command in commands]
    assert all('stopped' in result.error for result in results)
    assert bench.handle(StopRequested(), 1.0) == []


# Another specification


def test_a_device_that_left_the_fleet_is_disconnected_and_its_tasks_end(bench):
    command = bench.call()
    bench.call('P1')
    effects = bench.handle(SpecReplaced(make_spec([PUMP])), 1.0)
    change, result = only(effects, PublishConnectionEvent), only(effects, PublishResult)
    assert change[:3] == (ConnectionEvent.DISCONNECTED, LIFT.uid, LIFT)
    assert result.task_id == command.cmd_id
    assert 'row' in result.error
    assert bench.dispatcher.connections.get(LIFT.uid) is None
    assert len(bench.dispatcher.tasks) == 1
    assert 'no device' in bench.refusal()


def test_a_device_that_waits_is_connected_when_its_row_comes(bench):
    new = device('L9', 99)
    bench.handle(Pinged(99), 0.0)
    change = only(
        bench.handle(SpecReplaced(make_spec([LIFT, PUMP, new])), 1.0), PublishConnectionEvent
    )
    assert change == (ConnectionEvent.CONNECTED, 99, new, EPOCH + 1.0)
    assert bench.call('L9').uid == 99


def test_a_device_whose_type_changed_begins_anew(bench):
    changed = device('L1', LIFT.uid, 'Pump')
    change = only(
        bench.handle(SpecReplaced(make_spec([changed, PUMP])), 1.0), PublishConnectionEvent
    )
    assert (change.event, change.device) == (ConnectionEvent.DISCONNECTED, LIFT)
    change = only(bench.handle(Pinged(LIFT.uid), 2.0), PublishConnectionEvent)
    assert (change.event, change.device) == (ConnectionEvent.CONNECTED, changed)


def test_a_device_with_a_new_name_stays_connected(bench):
    renamed = device('L7', LIFT.uid)
    assert bench.handle(SpecReplaced(make_spec([renamed, PUMP])), 1.0) == []
    assert bench.call('L7').uid == LIFT.uid
    assert 'no device' in bench.refusal('L1')


def test_a_running_task_ends_under_the_definition_it_began_with(bench):
    old = bench.call()
    spec = make_spec(functions=[move('height:float32', 'done:bool')])
    assert bench.handle(SpecReplaced(spec), 0.5) == []
    new = bench.call()
    assert only(bench.report(old, 'V5'), PublishResult).result_jsons == '{"height":5}'
    assert only(bench.report(new, 'V5V1'), PublishResult).success


# Streams


def test_a_sample_is_judged_by_the_streams_of_its_device(bench):
    sample = bench.handle(StreamSampled(LIFT.uid, 'height', 'V1.5'))
    assert sample == [PublishSample(ROS, LIFT.uid, 'height', 'V1.5')]
    for uid, name, data, facts in (
        (LIFT.uid, 'height', 'V', ['height', 'L1', 'float32']),
        (LIFT.uid, 'flow', 'V1.5', ['flow', str(LIFT.uid)]),
        (LIFT.uid, 'x\n' * 9_999, 'V1.5', [str(LIFT.uid)]),
        (99, 'height', 'V1.5', ['height', '99']),
    ):
        reason = only(bench.handle(StreamSampled(uid, name, data)), LogDropped).reason
        for fact in facts:
            assert fact in reason
        assert len(reason) < 500
        assert '\n' not in reason
