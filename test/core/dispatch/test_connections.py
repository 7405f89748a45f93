import msgspec
import pytest
from connection_driver import (
    DISCONNECT_S,
    TIMEOUT_S,
    UID,
    WITH,
    WITHOUT,
    close,
    connect,
    make_connections,
    ping,
    silence,
)
from dispatcher_driver import GATEWAY, GOOD, ROS, DispatcherDriver, only
from virtual_fleet import EPOCH, LIFT, PUMP, at, device, make_spec

from hos_device_layer.core.dispatch.connection_states import ConnectionEvent, ConnectionState
from hos_device_layer.core.dispatch.dispatcher import DispatcherLimits
from hos_device_layer.core.dispatch.effects import (
    CloseDevice,
    ConnectAnswer,
    LogDropped,
    OpenDevice,
    PublishConnectionEvent,
    PublishResult,
)
from hos_device_layer.core.dispatch.events import (
    CallRequested,
    ConnectRequested,
    LinkClosed,
    Paused,
    Pinged,
    SpecReplaced,
    Tick,
)
from hos_device_layer.core.dispatch.fleet_index import FleetIndex


@pytest.fixture
def connections():
    return make_connections()


def test_an_expected_device_never_times_out(connections):
    connection = connections.get(UID)
    assert connection.state is ConnectionState.EXPECTED
    assert connection.last_seen is None
    assert connections.next_deadline() is None
    assert silence(connections) == []


def test_a_pause_of_the_manager_is_no_silence_of_the_devices(connections):
    connect(connections, 100.0)
    assert connections.paused(Paused(30.0), at(115.0)) == []
    assert silence(connections, 149.9) == []
    assert connections.next_deadline() == 150.0
    ping(connections, 145.0)
    assert silence(connections, 164.9) == []
    assert silence(connections, 165.0) == [ConnectionEvent.TIMEOUT]


def test_a_silent_device_times_out_and_is_then_disconnected(connections):
    connect(connections, 100.0)
    assert silence(connections, 119.9) == []
    assert silence(connections, 120.0) == [ConnectionEvent.TIMEOUT]
    assert silence(connections, 134.9) == []
    assert silence(connections, 135.0) == [ConnectionEvent.DISCONNECTED]
    assert silence(connections) == []
    assert connections.next_deadline() is None
    assert connections.get(UID).last_seen == at(100.0)


def test_each_ping_restarts_the_timeout(connections):
    connect(connections)
    for time in range(10, 200, 10):
        assert ping(connections, time) == []
        assert silence(connections, time + 9.0) == []
    connection = connections.get(UID)
    assert connection.since == at(0.0)
    assert connection.last_seen == at(190.0)
    assert silence(connections, 190.0 + TIMEOUT_S) == [ConnectionEvent.TIMEOUT]


def test_a_closed_link_times_the_device_out_immediately_and_only_once(connections):
    connect(connections)
    assert close(connections, 1.0) == [ConnectionEvent.TIMEOUT]
    assert close(connections, 10.0) == []
    assert silence(connections, 1.0 + DISCONNECT_S) == [ConnectionEvent.DISCONNECTED]


def test_a_reconnected_device_has_the_full_timeout(connections):
    connect(connections)
    close(connections, 1.0)
    assert ping(connections, 15.9) == [ConnectionEvent.RECONNECTED]
    assert silence(connections, 16.0) == []
    assert silence(connections, 15.9 + TIMEOUT_S) == [ConnectionEvent.TIMEOUT]


def test_a_repeated_connect_sets_the_time_of_the_connection(connections):
    connect(connections)
    assert connect(connections, 5.0) == [ConnectionEvent.RECONNECTED]
    connection = connections.get(UID)
    assert connection.since == connection.last_seen == at(5.0)


def test_a_forgotten_device_leaves_nothing_behind():
    connections = make_connections(WITHOUT)
    ping(connections)
    close(connections, 1.0)
    assert connections.get(UID) is None
    assert len(connections) == 0
    assert silence(connections) == []
    assert connections.next_deadline() is None


def test_a_waiting_device_belongs_to_the_link_that_it_used_last():
    connections = make_connections(WITHOUT)
    connections.pinged(Pinged(UID), at(0.0), ROS)
    answer = connections.connect_requested(ConnectRequested(UID), at(1.0), 'gateway')[-1]
    assert isinstance(answer, ConnectAnswer) and not answer.success
    assert connections.link_closed(LinkClosed(UID), at(2.0), ROS) == []
    opened, _ = connections.replace_fleet(WITH, at(3.0))
    assert isinstance(opened, OpenDevice) and opened.link == 'gateway'


def test_a_device_whose_type_changed_is_opened_again(connections):
    connect(connections)
    assert connections.replace_fleet(WITH, at(1.0)) == []
    without_streams = msgspec.structs.replace(make_spec([LIFT]), streams={})
    (opened,) = connections.replace_fleet(FleetIndex(without_streams, 'lab'), at(2.0))
    assert opened == OpenDevice(ROS, LIFT, False, ())


# Through the dispatcher


def test_a_device_of_the_fleet_connects():
    effects, answer = DispatcherDriver().connect(LIFT.uid, now=3.0)
    assert answer == ConnectAnswer(True)
    assert effects == [
        OpenDevice(ROS, LIFT, False, (make_spec().streams['height'],)),
        PublishConnectionEvent(ConnectionEvent.CONNECTED, LIFT.uid, LIFT, EPOCH + 3.0),
    ]


def test_a_device_of_a_serialized_type_is_opened_as_serialized():
    assert only(DispatcherDriver().connect(PUMP.uid)[0], OpenDevice).serialized


def test_a_ping_connects_an_expected_device():
    driver = DispatcherDriver()
    effects = driver.handle(Pinged(LIFT.uid), 3.0)
    assert only(effects, PublishConnectionEvent).event is ConnectionEvent.CONNECTED
    assert [c.device for c in driver.dispatcher.connections.connected()] == [LIFT]


def test_an_unknown_device_is_refused_with_the_table_and_waits():
    driver = DispatcherDriver()
    error = driver.connect_error(99)
    assert '99' in error and 'fleet-lab' in error
    assert driver.dispatcher.connections.get(99).state is ConnectionState.WAITING
    assert driver.handle(Pinged(99), 1.0) == []


def test_the_description_of_an_unknown_device_is_shown():
    driver = DispatcherDriver()
    *_, answer = driver.handle(ConnectRequested(99, "'Scale 3', type 'Scale'"))
    assert "uid 99 ('Scale 3', type 'Scale') is not in the fleet" in answer.error
    assert driver.dispatcher.connections.get(99).description == "'Scale 3', type 'Scale'"


def test_a_ping_of_an_unknown_uid_is_logged_once():
    driver = DispatcherDriver()
    assert 'fleet-lab' in only(driver.handle(Pinged(99), 1.0), LogDropped).reason
    assert driver.handle(Pinged(99), 2.0) == []
    assert driver.connect_error(99)


@pytest.mark.parametrize('limit', [0, 3])
def test_the_number_of_waiting_devices_is_limited(limit):
    driver = DispatcherDriver(limits=DispatcherLimits(max_waiting_devices=limit))
    for uid in range(1000, 1010):
        assert driver.connect_error(uid)
        driver.handle(Pinged(uid + 100))
    states = [connection.state for connection in driver.dispatcher.connections]
    assert states.count(ConnectionState.WAITING) == limit
    assert driver.connect()[1].success


def test_the_closed_link_of_an_unknown_device_is_ignored():
    assert DispatcherDriver().handle(LinkClosed(99)) == []


def test_a_ping_through_another_link_does_not_reconnect_a_timed_out_device(driver):
    driver.handle(LinkClosed(LIFT.uid), 1.0)
    assert only(driver.handle(Pinged(LIFT.uid), 2.0, GATEWAY), LogDropped)
    driver.handle(Tick(16.0), 16.0)
    effects = driver.handle(Pinged(LIFT.uid), 17.0, GATEWAY)
    assert only(effects, OpenDevice).link == GATEWAY


@pytest.mark.parametrize(('own', 'other'), [(ROS, GATEWAY), (GATEWAY, ROS)])
def test_a_connected_device_cannot_be_taken_over_through_another_link(own, other):
    driver = DispatcherDriver()
    driver.connect(link=own)
    command = driver.call()
    effects, answer = driver.connect(now=1.0, link=other)
    assert not answer.success
    for fact in ('L1', str(UID), repr(own), repr(other), '20 s'):
        assert fact in answer.error
    assert answer.error in only(effects, LogDropped).reason
    # Nothing has changed: not its link, and not when it times out.
    assert only(driver.report(command, link=other), LogDropped)
    assert only(driver.report(command, link=own), PublishResult).success
    driver.handle(Tick(20.0), 20.0)
    assert driver.connect(now=20.5, link=other)[1].success


def test_a_device_that_was_lost_moves_to_the_link_through_which_it_connects(driver):
    command = driver.call()
    driver.handle(LinkClosed(UID), 0.5)
    effects, _ = driver.connect(now=1.0, link=GATEWAY)
    assert [type(effect) for effect in effects] == [
        CloseDevice,
        OpenDevice,
        PublishConnectionEvent,
    ]
    assert effects[0] == CloseDevice(ROS, LIFT.uid)
    assert effects[1].link == GATEWAY
    assert effects[2].event is ConnectionEvent.RECONNECTED
    assert only(driver.report(command, link=ROS), LogDropped)
    assert only(driver.report(command, link=GATEWAY), PublishResult).success
    sent, _ = driver.handle(CallRequested('L1', 'move', GOOD), 2.0, '')
    assert sent.link == GATEWAY


def test_a_removed_device_is_disconnected_and_its_tasks_end(driver):
    command = driver.call()
    driver.call('P1')
    effects = driver.handle(SpecReplaced(make_spec([PUMP])), 1.0)
    change, result = only(effects, PublishConnectionEvent), only(effects, PublishResult)
    assert (change.event, change.device) == (ConnectionEvent.DISCONNECTED, LIFT)
    assert result.task_id == command.cmd_id
    assert 'row' in result.error
    assert driver.dispatcher.connections.get(LIFT.uid) is None
    assert len(driver.dispatcher.tasks) == 1
    assert 'no device' in driver.call_error()


def test_a_waiting_device_is_connected_when_its_row_is_added(driver):
    new = device('L9', 99)
    driver.handle(Pinged(99), 0.0)
    change = only(
        driver.handle(SpecReplaced(make_spec([LIFT, PUMP, new])), 1.0), PublishConnectionEvent
    )
    assert change == PublishConnectionEvent(ConnectionEvent.CONNECTED, 99, new, EPOCH + 1.0)
    assert driver.call('L9').uid == 99


def test_a_device_whose_type_changed_is_disconnected_and_expected_again(driver):
    changed = device('L1', LIFT.uid, 'Pump')
    change = only(
        driver.handle(SpecReplaced(make_spec([changed, PUMP])), 1.0), PublishConnectionEvent
    )
    assert (change.event, change.device) == (ConnectionEvent.DISCONNECTED, LIFT)
    change = only(driver.handle(Pinged(LIFT.uid), 2.0), PublishConnectionEvent)
    assert (change.event, change.device) == (ConnectionEvent.CONNECTED, changed)


def test_a_renamed_device_stays_connected(driver):
    renamed = device('L7', LIFT.uid)
    assert driver.handle(SpecReplaced(make_spec([renamed, PUMP])), 1.0) == []
    assert driver.call('L7').uid == LIFT.uid
    assert 'no device' in driver.call_error('L1')
