import pytest
from virtual_fleet import LIFT, at, make_spec

from hos_device_layer.core.dispatch.connections import (
    TRANSITIONS,
    Connections,
    Event,
    Notice,
    State,
)
from hos_device_layer.core.dispatch.dispatcher import Dispatcher, Limits
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
        connections.handle(connection, Event.SILENCE, at(now))
        for connection in connections.take_silent(at(now))
    ]


def test_a_device_of_the_fleet_may_stay_away_for_ever(connections):
    connection = expected(connections)
    assert connection.state is State.EXPECTED
    assert connection.last_seen is None
    assert connections.next_deadline() is None
    assert connections.take_silent(at(1e9)) == []


def test_silence_leads_to_a_timeout_and_then_to_a_disconnection(connections):
    connection = expected(connections)
    connections.handle(connection, Event.CONNECT, at(100.0))
    assert silence(connections, 119.9) == []
    assert silence(connections, 120.0) == [Notice.TIMEOUT]
    assert silence(connections, 134.9) == []
    assert silence(connections, 135.0) == [Notice.DISCONNECTED]
    assert silence(connections, 1e9) == []
    assert connections.next_deadline() is None
    assert connection.last_seen == at(100.0)


def test_every_ping_grants_another_while(connections):
    connection = expected(connections)
    connections.handle(connection, Event.CONNECT, at(0.0))
    for time in range(10, 200, 10):
        assert connections.handle(connection, Event.PING, at(time)) is None
        assert silence(connections, time + 9.0) == []
    assert connection.since == at(0.0)
    assert connection.last_seen == at(190.0)
    assert silence(connections, 190.0 + TIMEOUT_S) == [Notice.TIMEOUT]


def test_a_closed_way_is_a_timeout_at_once_and_closing_it_again_grants_nothing(connections):
    connection = expected(connections)
    connections.handle(connection, Event.CONNECT, at(0.0))
    assert connections.handle(connection, Event.CLOSE, at(1.0)) is Notice.TIMEOUT
    assert connections.handle(connection, Event.CLOSE, at(10.0)) is None
    assert silence(connections, 1.0 + DISCONNECT_S) == [Notice.DISCONNECTED]


def test_a_device_that_is_back_has_its_full_time_again(connections):
    connection = expected(connections)
    connections.handle(connection, Event.CONNECT, at(0.0))
    connections.handle(connection, Event.CLOSE, at(1.0))
    assert connections.handle(connection, Event.PING, at(15.9)) is Notice.RECONNECTED
    assert silence(connections, 16.0) == []
    assert silence(connections, 15.9 + TIMEOUT_S) == [Notice.TIMEOUT]


def test_a_repeated_connect_marks_the_time_of_the_new_connection(connections):
    connection = expected(connections)
    connections.handle(connection, Event.CONNECT, at(0.0))
    assert connections.handle(connection, Event.CONNECT, at(5.0)) is Notice.RECONNECTED
    assert connection.since == connection.last_seen == at(5.0)


def test_a_forgotten_device_leaves_nothing_behind(connections):
    connection = connections.wait(99, at(0.0))
    connections.handle(connection, Event.PING, at(0.0))
    connections.handle(connection, Event.CLOSE, at(1.0))
    assert connection.state is State.FORGOTTEN
    assert connections.get(99) is None
    assert len(connections) == 0
    assert connections.take_silent(at(1e9)) == []
    assert connections.next_deadline() is None


def test_what_cannot_happen_is_an_error(connections):
    with pytest.raises(KeyError):
        connections.handle(expected(connections), Event.SILENCE, at(0.0))


def connect(dispatcher, now=0.0):
    try:
        dispatcher.connect(UID, at(now))
    except UnknownUidError:
        assert dispatcher.connections[UID].state is State.WAITING


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
    State.EXPECTED: (WITH, []),
    State.WAITING: (WITHOUT, [connect]),
    State.CONNECTED: (WITH, [connect]),
    State.TIMED_OUT: (WITH, [connect, close]),
    State.DISCONNECTED: (WITH, [connect, close, HAPPENINGS['silence']]),
    # Nothing is left to which anything could happen.
    State.FORGOTTEN: (WITHOUT, [connect, close]),
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
            dispatcher = Dispatcher(spec, 'lab', Limits(), iter([]), at(0.0))
            for step in steps:
                step(dispatcher)
            connection = dispatcher.connections.get(UID)
            assert connection.state is state if connection else state is State.FORGOTTEN
            happening(dispatcher)
    assert happened == set(TRANSITIONS)


@pytest.mark.parametrize(
    ('old', 'new', 'notice'), [(old, new, n) for (old, _), (new, n) in TRANSITIONS.items()]
)
def test_notices_are_given_where_a_state_is_entered_or_left_and_only_there(old, new, notice):
    if notice is None:
        assert old is new or State.FORGOTTEN in (old, new)
    if notice is Notice.CONNECTED:
        assert old in (State.EXPECTED, State.WAITING)
    if notice in (Notice.CONNECTED, Notice.RECONNECTED):
        assert new is State.CONNECTED
    if notice is Notice.TIMEOUT:
        assert (old, new) == (State.CONNECTED, State.TIMED_OUT)
    if notice is Notice.DISCONNECTED:
        assert old in (State.CONNECTED, State.TIMED_OUT)
        assert new in (State.DISCONNECTED, State.FORGOTTEN)
    if new is State.CONNECTED and old is not State.CONNECTED:
        assert notice in (Notice.CONNECTED, Notice.RECONNECTED)
