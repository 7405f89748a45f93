import itertools

import msgspec
import pytest
from virtual_fleet import LIFT, at, make_spec

from hos_device_layer.core.dispatch.connection_states import (
    TRANSITIONS,
    ConnectionEvent,
    ConnectionState,
)
from hos_device_layer.core.dispatch.connections import Connections
from hos_device_layer.core.dispatch.effects import (
    ConnectAnswer,
    OpenDevice,
    PublishConnectionEvent,
)
from hos_device_layer.core.dispatch.events import ConnectRequested, LinkClosed, Pinged
from hos_device_layer.core.dispatch.fleet_index import FleetIndex

TIMEOUT_S, DISCONNECT_S = 20.0, 15.0
UID = LIFT.uid
ROS = 'ros'

WITH, WITHOUT = (FleetIndex(make_spec(devices), 'lab') for devices in ([LIFT], []))


def make(fleet=WITH):
    return Connections(fleet, TIMEOUT_S, DISCONNECT_S, 10, at(0.0))


@pytest.fixture
def connections():
    return make()


def published(effects):
    """Return the connection events among effects."""
    return [effect.event for effect in effects if isinstance(effect, PublishConnectionEvent)]


def connect(connections, now=0.0):
    return published(connections.connect_requested(ConnectRequested(UID), at(now), ROS))


def ping(connections, now=0.0):
    return published(connections.pinged(Pinged(UID), at(now), ROS))


def close(connections, now=0.0):
    return published(connections.link_closed(LinkClosed(UID), at(now), ROS))


def silence(connections, now=1e9):
    return published(connections.advance(at(now)))


def test_a_device_of_the_fleet_may_stay_away_for_ever(connections):
    connection = connections.get(UID)
    assert connection.state is ConnectionState.EXPECTED
    assert connection.last_seen is None
    assert connections.next_deadline() is None
    assert silence(connections) == []


def test_silence_leads_to_a_timeout_and_then_to_a_disconnection(connections):
    connect(connections, 100.0)
    assert silence(connections, 119.9) == []
    assert silence(connections, 120.0) == [ConnectionEvent.TIMEOUT]
    assert silence(connections, 134.9) == []
    assert silence(connections, 135.0) == [ConnectionEvent.DISCONNECTED]
    assert silence(connections) == []
    assert connections.next_deadline() is None
    assert connections.get(UID).last_seen == at(100.0)


def test_every_ping_grants_the_full_time_again(connections):
    connect(connections)
    for time in range(10, 200, 10):
        assert ping(connections, time) == []
        assert silence(connections, time + 9.0) == []
    connection = connections.get(UID)
    assert connection.since == at(0.0)
    assert connection.last_seen == at(190.0)
    assert silence(connections, 190.0 + TIMEOUT_S) == [ConnectionEvent.TIMEOUT]


def test_a_closed_link_is_a_timeout_at_once_and_closing_it_again_grants_nothing(connections):
    connect(connections)
    assert close(connections, 1.0) == [ConnectionEvent.TIMEOUT]
    assert close(connections, 10.0) == []
    assert silence(connections, 1.0 + DISCONNECT_S) == [ConnectionEvent.DISCONNECTED]


def test_a_device_that_is_back_has_its_full_time_again(connections):
    connect(connections)
    close(connections, 1.0)
    assert ping(connections, 15.9) == [ConnectionEvent.RECONNECTED]
    assert silence(connections, 16.0) == []
    assert silence(connections, 15.9 + TIMEOUT_S) == [ConnectionEvent.TIMEOUT]


def test_a_repeated_connect_marks_the_time_of_the_new_connection(connections):
    connect(connections)
    assert connect(connections, 5.0) == [ConnectionEvent.RECONNECTED]
    connection = connections.get(UID)
    assert connection.since == connection.last_seen == at(5.0)


def test_a_forgotten_device_leaves_nothing_behind():
    connections = make(WITHOUT)
    ping(connections)
    close(connections, 1.0)
    assert connections.get(UID) is None
    assert len(connections) == 0
    assert silence(connections) == []
    assert connections.next_deadline() is None


def test_a_waiting_device_belongs_to_the_link_that_it_used_last():
    connections = make(WITHOUT)
    connections.pinged(Pinged(UID), at(0.0), ROS)
    answer = connections.connect_requested(ConnectRequested(UID), at(1.0), 'gateway')[-1]
    assert isinstance(answer, ConnectAnswer) and not answer.success
    assert connections.link_closed(LinkClosed(UID), at(2.0), ROS) == []
    opened, _ = connections.replace_fleet(WITH, at(3.0))
    assert isinstance(opened, OpenDevice) and opened.link == 'gateway'


def test_a_changed_type_is_opened_again(connections):
    connect(connections)
    assert connections.replace_fleet(WITH, at(1.0)) == []
    without_streams = msgspec.structs.replace(make_spec([LIFT]), streams={})
    (opened,) = connections.replace_fleet(FleetIndex(without_streams, 'lab'), at(2.0))
    assert opened == OpenDevice(ROS, LIFT, False, ())


STEPS = {
    'connect': connect,
    'ping': ping,
    'close': close,
    'silence': silence,
    'the row is there': lambda connections: connections.replace_fleet(WITH, at(0.0)),
    'the row is missing': lambda connections: connections.replace_fleet(WITHOUT, at(0.0)),
}


def test_the_table_holds_every_pair_that_can_happen_and_no_other(monkeypatch):
    happened = set()
    apply = Connections._apply

    def noted(self, connection, trigger, *arguments):
        happened.add((connection.state, trigger))
        return apply(self, connection, trigger, *arguments)

    monkeypatch.setattr(Connections, '_apply', noted)
    for fleet in (WITH, WITHOUT):
        for steps in itertools.product(STEPS.values(), repeat=4):
            connections = make(fleet)
            for step in steps:
                step(connections)
    assert happened == set(TRANSITIONS)


@pytest.mark.parametrize(
    ('old', 'new', 'event'), [(old, new, e) for (old, _), (new, e) in TRANSITIONS.items()]
)
def test_events_are_published_where_a_state_is_entered_or_left_and_only_there(old, new, event):
    if event is None:
        assert old is new or ConnectionState.FORGOTTEN in (old, new)
    if event is ConnectionEvent.CONNECTED:
        assert old in (ConnectionState.EXPECTED, ConnectionState.WAITING)
    if event in (ConnectionEvent.CONNECTED, ConnectionEvent.RECONNECTED):
        assert new is ConnectionState.CONNECTED
    if event is ConnectionEvent.TIMEOUT:
        assert (old, new) == (ConnectionState.CONNECTED, ConnectionState.TIMED_OUT)
    if event is ConnectionEvent.DISCONNECTED:
        assert old in (ConnectionState.CONNECTED, ConnectionState.TIMED_OUT)
        assert new in (ConnectionState.DISCONNECTED, ConnectionState.FORGOTTEN)
    if new is ConnectionState.CONNECTED and old is not ConnectionState.CONNECTED:
        assert event in (ConnectionEvent.CONNECTED, ConnectionEvent.RECONNECTED)
