"""Which events the dispatcher accepts, through which link, and the samples of streams."""

import typing

import msgspec
from dispatcher_driver import GATEWAY, GOOD, ROS, DispatcherDriver, only
from virtual_fleet import EPOCH, LIFT, PUMP, make_spec

from hos_device_layer.core.dispatch.effects import (
    Answer,
    CallAnswer,
    CloseDevice,
    ConnectAnswer,
    ConnectedDevice,
    DevicesAnswer,
    LogDropped,
    OpenDevice,
    PublishConnectionEvent,
    PublishResult,
    PublishSample,
    WithdrawCommand,
)
from hos_device_layer.core.dispatch.events import (
    CallRequested,
    CommandAnswered,
    ConnectRequested,
    DescriptionRequested,
    DevicesRequested,
    Event,
    LinkClosed,
    Paused,
    Pinged,
    ResultReported,
    SendFailed,
    SpecReplaced,
    StopRequested,
    StreamSampled,
    Tick,
)
from hos_device_layer.core.spec.records import DeviceType

# Events


def test_connected_devices_are_listed_with_the_times_of_their_connections(driver):
    driver.handle(LinkClosed(PUMP.uid), 1.0)
    (answer,) = driver.handle(DevicesRequested(), 2.0)
    assert answer == DevicesAnswer((ConnectedDevice(LIFT.uid, LIFT, EPOCH),))


def test_events_of_a_device_through_another_link_are_dropped(driver):
    command = driver.call()
    for event in (
        Pinged(LIFT.uid),
        CommandAnswered(LIFT.uid, command.cmd_id, False, 'forged'),
        ResultReported(LIFT.uid, command.cmd_id, True, '', 'V5'),
        StreamSampled(LIFT.uid, 'height', 'V1.5'),
    ):
        reason = only(driver.handle(event, 1.0, GATEWAY), LogDropped).reason
        assert f'uid {LIFT.uid}' in reason and "'ros', not 'gateway'" in reason
    assert driver.handle(LinkClosed(LIFT.uid), 1.0, GATEWAY) == []
    assert only(driver.report(command), PublishResult).success


def test_a_sample_of_a_device_that_is_not_connected_is_dropped():
    driver = DispatcherDriver()
    reason = only(driver.handle(StreamSampled(LIFT.uid, 'height', 'V1')), LogDropped).reason
    assert 'not connected' in reason


def test_a_sample_must_fit_a_stream_of_its_device_type(driver):
    sample = driver.handle(StreamSampled(LIFT.uid, 'height', 'V1.5'))
    assert sample == [PublishSample(ROS, LIFT.uid, 'height', 'V1.5')]
    sample = driver.handle(StreamSampled(LIFT.uid, 'height', 'V2', is_latched=True))
    assert sample == [PublishSample(ROS, LIFT.uid, 'height', 'V2', is_latched=True)]
    for uid, name, data, facts in (
        (LIFT.uid, 'height', 'V', ['height', 'L1', 'float32']),
        (LIFT.uid, 'flow', 'V1.5', ['flow', str(LIFT.uid)]),
        (LIFT.uid, 'x\n' * 9_999, 'V1.5', [str(LIFT.uid)]),
        (99, 'height', 'V1.5', ['height', '99']),
    ):
        reason = only(driver.handle(StreamSampled(uid, name, data)), LogDropped).reason
        for fact in facts:
            assert fact in reason
        assert len(reason) < 500
        assert '\n' not in reason


def test_every_event_has_a_handler_and_each_request_has_exactly_one_answer(driver):
    events = [
        (ConnectRequested(LIFT.uid), 1),
        (Pinged(LIFT.uid), 0),
        (LinkClosed(LIFT.uid), 0),
        (CommandAnswered(LIFT.uid, 7, True, ''), 0),
        (ResultReported(LIFT.uid, 7, True, '', 'V5'), 0),
        (StreamSampled(LIFT.uid, 'height', 'V1'), 0),
        (CallRequested('L1', 'move', GOOD), 1),
        (DevicesRequested(), 1),
        (DescriptionRequested(), 1),
        (SendFailed(7, 'lost'), 0),
        (Tick(0.0), 0),
        (Paused(1.0), 0),
        (StopRequested(), 0),
    ]
    assert {*(type(event) for event, _ in events), SpecReplaced} == set(typing.get_args(Event))
    for event, answers in events:
        effects = driver.handle(event)
        assert sum(isinstance(effect, Answer) for effect in effects) == answers
    assert driver.handle(SpecReplaced(make_spec())) == []


def test_the_tasks_of_a_disconnected_device_end_after_its_event(driver):
    driver.call()
    effects = driver.handle(SpecReplaced(make_spec([PUMP])), 1.0)
    assert [type(effect) for effect in effects] == [
        CloseDevice,
        PublishConnectionEvent,
        WithdrawCommand,
        PublishResult,
    ]


def test_the_next_deadline_is_the_earliest_of_tasks_and_connections(driver):
    assert driver.dispatcher.next_deadline() == 20.0
    driver.call(now=1.0)
    assert driver.dispatcher.next_deadline() == 6.0
    assert DispatcherDriver().dispatcher.next_deadline() is None


def test_events_and_effects_of_different_types_are_never_equal():
    assert Pinged(7) != LinkClosed(7)
    assert Tick(0.0) != StopRequested()
    assert ConnectAnswer(True, '') != CallAnswer(True, '')


def with_serialized_lifts():
    """Return the specification after somebody has ticked serialized_api of the lifts."""
    types = {**make_spec().device_types, 'Lift': DeviceType('Lift', serialized_api=True)}
    return msgspec.structs.replace(make_spec(), device_types=types)


def test_a_command_that_its_device_has_not_accepted_ends_with_the_kind_of_its_service(driver):
    unanswered, accepted = driver.call(), driver.call()
    driver.answer(accepted)
    withdrawn, result, opened = driver.handle(SpecReplaced(with_serialized_lifts()), 1.0)
    assert withdrawn == WithdrawCommand(ROS, LIFT.uid, unanswered.cmd_id)
    assert (result.task_id, result.success) == (unanswered.cmd_id, False)
    assert result.error == (
        "serialized_api of the device type 'Lift' was changed before 'L1' accepted the command"
    )
    assert isinstance(opened, OpenDevice) and opened.serialized
    # The device is executing the other one.
    assert only(driver.report(accepted, now=2.0), PublishResult).success


def test_a_command_of_a_timed_out_device_ends_with_the_kind_of_its_service_too(driver):
    command = driver.call()
    driver.handle(LinkClosed(LIFT.uid), 0.5)
    effects = driver.handle(SpecReplaced(with_serialized_lifts()), 1.0)
    assert only(effects, PublishResult).task_id == command.cmd_id
    assert only(effects, WithdrawCommand).cmd_id == command.cmd_id
