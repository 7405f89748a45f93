import pytest
from virtual_fleet import LIFT, at, make_spec

from hos_device_layer.core.dispatch.connections import (
    TRANSITIONS,
    ConnectionEvent,
    Connections,
    ConnectionState,
    ConnectionTrigger,
)
from hos_device_layer.core.dispatch.dispatcher import Dispatcher, DispatcherLimits
from hos_device_layer.core.errors import UnknownUidError

TIMEOUT_S, DISCONNECT_S = 20.0, 15.0
UID = LIFT.uid


@pytest.fixture
def connections():
    return Connections(TIMEOUT_S, DISCONNECT_S)


def expected(connections, uid=UID):
    connections.expect(uid, LIFT, at(0.0))
    return connections[uid]


def silence(connections, now):
    """Let time pass; returns the notices it caused."""
    return [
        connections.handle(connection, ConnectionTrigger.SILENCE, at(now))
        for connection in connections.take_silent(at(now))
    ]


def test_a_device_of_the_fleet_may_stay_away_for_ever(connections):
    connection = expected(connections)
    assert connection.state is ConnectionState.EXPECTED
    assert connection.last_seen is None
    assert connections.next_deadline() is None
    assert connections.take_silent(at(1e9)) == []


def test_silence_leads_to_a_timeout_and_then_to_a_disconnection(connections):
    connection = expected(connections)
    connections.handle(connection, ConnectionTrigger.CONNECT, at(100.0))
    assert silence(connections, 119.9) == []
    assert silence(connections, 120.0) == [ConnectionEvent.TIMEOUT]
    assert silence(connections, 134.9) == []
    assert silence(connections, 135.0) == [ConnectionEvent.DISCONNECTED]
    assert silence(connections, 1e9) == []
    assert connections.next_deadline() is None
    assert connection.last_seen == at(100.0)


def test_every_ping_grants_another_while(connections):
    connection = expected(connections)
    connections.handle(connection, ConnectionTrigger.CONNECT, at(0.0))
    for time in range(10, 200, 10):
        assert connections.handle(connection, ConnectionTrigger.PING, at(time)) is None
        assert silence(connections, time + 9.0) == []
    assert connection.since == at(0.0)
    assert connection.last_seen == at(190.0)
    assert silence(connections, 190.0 + TIMEOUT_S) == [ConnectionEvent.TIMEOUT]


def test_a_closed_way_is_a_timeout_at_once_and_closing_it_again_grants_nothing(connections):
    connection = expected(connections)
    connections.handle(connection, ConnectionTrigger.CONNECT, at(0.0))
    assert (
        connections.handle(connection, ConnectionTrigger.CLOSE, at(1.0)) is ConnectionEvent.TIMEOUT
    )
    assert connections.handle(connection, ConnectionTrigger.CLOSE, at(10.0)) is None
    assert silence(connections, 1.0 + DISCONNECT_S) == [ConnectionEvent.DISCONNECTED]


def test_a_device_that_is_back_has_its_full_time_again(connections):
    connection = expected(connections)
    connections.handle(connection, ConnectionTrigger.CONNECT, at(0.0))
    connections.handle(connection, ConnectionTrigger.CLOSE, at(1.0))
    assert (
        connections.handle(connection, ConnectionTrigger.PING, at(15.9))
        is ConnectionEvent.RECONNECTED
    )
    assert silence(connections, 16.0) == []
    assert silence(connections, 15.9 + TIMEOUT_S) == [ConnectionEvent.TIMEOUT]


def test_a_repeated_connect_marks_the_time_of_the_new_connection(connections):
    connection = expected(connections)
    connections.handle(connection, ConnectionTrigger.CONNECT, at(0.0))
    assert (
        connections.handle(connection, ConnectionTrigger.CONNECT, at(5.0))
        is ConnectionEvent.RECONNECTED
    )
    assert connection.since == connection.last_seen == at(5.0)


def test_a_forgotten_device_leaves_nothing_behind(connections):
    connection = connections.wait(99, at(0.0))
    connections.handle(connection, ConnectionTrigger.PING, at(0.0))
    connections.handle(connection, ConnectionTrigger.CLOSE, at(1.0))
    assert connection.state is ConnectionState.FORGOTTEN
    assert connections.get(99) is None
    assert len(connections) == 0
    assert connections.take_silent(at(1e9)) == []
    assert connections.next_deadline() is None


def test_what_cannot_happen_is_an_error(connections):
    with pytest.raises(KeyError):
        connections.handle(expected(connections), ConnectionTrigger.SILENCE, at(0.0))


def connect(dispatcher, now=0.0):
    try:
        dispatcher.connect(UID, at(now))
    except UnknownUidError:
        assert dispatcher.connections[UID].state is ConnectionState.WAITING


def close(dispatcher, now=0.0):
    dispatcher.connection_closed(UID, at(now))


WITH, WITHOUT = make_spec([LIFT]), make_spec([])

# All that the dispatcher can be told which concerns a connection.
HAPPENINGS = {
    'connect': connect,
    'ping': lambda dispatcher: dispatcher.ping(UID, at(0.0)),
    'close': close,
    'silence': lambda dispatcher: dispatcher.advance(at(1e9)),
    'the row comes, or stays': lambda dispatcher: dispatcher.replace_spec(WITH, at(0.0)),
    'the row goes, or is missing': lambda dispatcher: dispatcher.replace_spec(WITHOUT, at(0.0)),
}

# How each state is reached.
PATHS = {
    ConnectionState.EXPECTED: (WITH, []),
    ConnectionState.WAITING: (WITHOUT, [connect]),
    ConnectionState.CONNECTED: (WITH, [connect]),
    ConnectionState.TIMED_OUT: (WITH, [connect, close]),
    ConnectionState.DISCONNECTED: (WITH, [connect, close, HAPPENINGS['silence']]),
    # Nothing is left to which anything could happen.
    ConnectionState.FORGOTTEN: (WITHOUT, [connect, close]),
}


def test_the_table_holds_every_pair_that_can_happen_and_no_other(monkeypatch):
    happened = set()
    handle = Connections.handle

    def noted(self, connection, event, now):
        happened.add((connection.state, event))
        return handle(self, connection, event, now)

    monkeypatch.setattr(Connections, 'handle', noted)
    for state, (spec, steps) in PATHS.items():
        for happening in HAPPENINGS.values():
            dispatcher = Dispatcher(spec, 'lab', DispatcherLimits(), iter([]), at(0.0))
            for step in steps:
                step(dispatcher)
            connection = dispatcher.connections.get(UID)
            assert connection.state is state if connection else state is ConnectionState.FORGOTTEN
            happening(dispatcher)
    assert happened == set(TRANSITIONS)


@pytest.mark.parametrize(
    ('old', 'new', 'notice'), [(old, new, n) for (old, _), (new, n) in TRANSITIONS.items()]
)
def test_notices_are_given_where_a_state_is_entered_or_left_and_only_there(old, new, notice):
    if notice is None:
        assert old is new or ConnectionState.FORGOTTEN in (old, new)
    if notice is ConnectionEvent.CONNECTED:
        assert old in (ConnectionState.EXPECTED, ConnectionState.WAITING)
    if notice in (ConnectionEvent.CONNECTED, ConnectionEvent.RECONNECTED):
        assert new is ConnectionState.CONNECTED
    if notice is ConnectionEvent.TIMEOUT:
        assert (old, new) == (ConnectionState.CONNECTED, ConnectionState.TIMED_OUT)
    if notice is ConnectionEvent.DISCONNECTED:
        assert old in (ConnectionState.CONNECTED, ConnectionState.TIMED_OUT)
        assert new in (ConnectionState.DISCONNECTED, ConnectionState.FORGOTTEN)
    if new is ConnectionState.CONNECTED and old is not ConnectionState.CONNECTED:
        assert notice in (ConnectionEvent.CONNECTED, ConnectionEvent.RECONNECTED)
