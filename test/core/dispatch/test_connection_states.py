"""The table of transitions, checked against what connections do."""

import itertools

import pytest
from connection_driver import WITH, WITHOUT, close, connect, make_connections, ping, silence
from virtual_fleet import at

from hos_device_layer.core.dispatch.connection_states import (
    TRANSITIONS,
    ConnectionEvent,
    ConnectionState,
)
from hos_device_layer.core.dispatch.connections import Connections

STEPS = {
    'connect': connect,
    'ping': ping,
    'close': close,
    'silence': silence,
    'row added': lambda connections: connections.replace_fleet(WITH, at(0.0)),
    'row removed': lambda connections: connections.replace_fleet(WITHOUT, at(0.0)),
}


def test_the_table_lists_exactly_the_pairs_that_occur(monkeypatch):
    seen = set()
    apply = Connections._apply

    def recording_apply(self, connection, trigger, *arguments):
        seen.add((connection.state, trigger))
        return apply(self, connection, trigger, *arguments)

    monkeypatch.setattr(Connections, '_apply', recording_apply)
    for fleet in (WITH, WITHOUT):
        for steps in itertools.product(STEPS.values(), repeat=4):
            connections = make_connections(fleet)
            for step in steps:
                step(connections)
    assert seen == set(TRANSITIONS)


@pytest.mark.parametrize(
    ('old', 'new', 'event'), [(old, new, e) for (old, _), (new, e) in TRANSITIONS.items()]
)
def test_an_event_is_published_exactly_when_a_state_is_entered_or_left(old, new, event):
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
