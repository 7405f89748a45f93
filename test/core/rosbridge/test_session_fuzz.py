"""Any frames from peers: nothing is raised, and no peer receives frames of another."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from peers import Peer, serialized_command, serves, typed_command

from hos_device_layer.core.dispatch.events import CommandAnswered, LinkClosed
from hos_device_layer.core.rosbridge import Access, Role, SessionLimits
from hos_device_layer.core.rosbridge.broker import Broker
from hos_device_layer.core.rosbridge.messages import ConnectDeviceResponse, DeviceStream

UIDS = (1, 2, 3)
OPS = [
    'advertise',
    'unadvertise',
    'publish',
    'subscribe',
    'unsubscribe',
    'advertise_service',
    'unadvertise_service',
    'call_service',
    'service_response',
    'status',
    'set_level',
    'auth',
    'sync',
    'fragment',
]
NAMES = [
    'haive_os/device/ping',
    '/haive_os/device/command_result',
    'haive_os/device/connect',
    'haive_os/device/api_call',
    'haive_os/connected_devices',
    '/rosout',
    *(
        f'haive_os/device/uid{uid}/{leaf}'
        for uid in UIDS
        for leaf in ('command', 'serialized_command', 'stream/s')
    ),
]

# JSON that json.dumps does not write; a frame carries a placeholder for it.
EXTREMES = {
    '@huge': '1' + '0' * 400,
    '@endless': '9' * 5_000,
    '@small': '-9223372036854775809',
    '@infinite': '1e999',
    '@nan': 'NaN',
    '@surrogate': '"\\ud800"',
    '@deep': '[' * 2_000 + ']' * 2_000,
    '@long': '"' + 'x' * 70_000 + '"',
}

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from([*EXTREMES]),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3)
    ),
    max_leaves=8,
)
uids = st.sampled_from(UIDS)
messages = st.one_of(
    json_values,
    st.fixed_dictionaries({'data': uids}),
    st.fixed_dictionaries({'uid': uids}),
    st.fixed_dictionaries({'uid': uids, 'data': st.text(max_size=5)}),
    st.fixed_dictionaries({'uid': uids, 'cmd_id': st.integers(0, 9), 'success': st.booleans()}),
    st.fixed_dictionaries({'is_valid': st.booleans(), 'error': st.text(max_size=5)}),
)
frames = st.fixed_dictionaries(
    {'op': st.sampled_from(OPS) | json_values},
    optional={
        'topic': st.sampled_from(NAMES) | json_values,
        'service': st.sampled_from(NAMES) | json_values,
        'id': st.sampled_from(
            [f'service_request:haive_os/device/uid{uid}/command:1' for uid in UIDS]
        )
        | json_values,
        'type': st.sampled_from(['', 'hos_interfaces/DeviceCommand']) | json_values,
        'msg': messages,
        'args': messages,
        'values': messages,
        'result': json_values,
        'throttle_rate': json_values,
        'compression': st.sampled_from(['none', 'png', 'cbor', 'cbor-raw']) | json_values,
        'latch': st.booleans() | json_values,
        'client': st.just('c') | json_values,
        'hash': json_values,
        'update': json_values
        | st.lists(
            st.fixed_dictionaries(
                {'id': st.text(max_size=2)}, optional={'uid': json_values, 'tags': json_values}
            )
        ),
        'remove': json_values,
        'token': st.sampled_from(['device', 'wrong']) | json_values,
    },
)


def dumped(frame: dict[str, Any]) -> str:
    """Return a frame as JSON, with the extremes in place of their placeholders."""
    text = json.dumps(frame)
    for placeholder, extreme in EXTREMES.items():
        text = text.replace(f'"{placeholder}"', extreme)
    return text


def quiet_peer() -> Peer:
    return Peer(Broker(), limits=SessionLimits(errors=10**9))


@given(st.text())
def test_any_text(text: str) -> None:
    peer = quiet_peer()
    assert peer.session.receive(text, 0.0) == []
    assert [frame['op'] for frame in peer.hears()] == ['status']


@given(frames, st.integers(0, 10**6), st.text(max_size=3))
def test_any_frame_cut_or_spoilt(frame: dict[str, Any], place: int, noise: str) -> None:
    peer = quiet_peer()
    text = dumped(frame)
    at = place % (len(text) + 1)
    peer.session.receive(text[:at], 0.0)
    peer.session.receive(text[:at] + noise + text[at:], 0.0)
    for answer in peer.hears():
        assert answer['op'] in ('status', 'service_response', 'call_service', 'sync')


@given(frames)
def test_any_frame_is_an_event_or_refused_or_bookkeeping(frame: dict[str, Any]) -> None:
    peer = quiet_peer()
    events = peer.says(dumped(frame))
    heard = peer.hears()
    assert not (events and heard)
    for answer in heard:
        assert answer['op'] in ('status', 'service_response', 'sync')


STREAM_1 = 'haive_os/device/uid1/stream/s'
COMMAND_1 = 'haive_os/device/uid1/command'
VALID: list[dict[str, Any]] = [
    {'op': 'auth', 'token': 'device', 'mac': ''},
    {'op': 'advertise', 'topic': STREAM_1, 'type': 'hos_interfaces/DeviceStream', 'latch': True},
    {'op': 'unadvertise', 'topic': STREAM_1},
    {'op': 'publish', 'topic': 'haive_os/device/ping', 'msg': {'data': 1}},
    {'op': 'publish', 'topic': STREAM_1, 'msg': {'uid': 1, 'data': 'V1'}},
    {
        'op': 'publish',
        'topic': 'haive_os/device/command_result',
        'msg': {'uid': 1, 'cmd_id': 1, 'success': True, 'error': '', 'result_str': 'V1'},
    },
    {
        'op': 'subscribe',
        'topic': STREAM_1,
        'type': 'hos_interfaces/DeviceStream',
        'throttle_rate': 1,
        'queue_length': 1,
        'compression': 'none',
    },
    {'op': 'unsubscribe', 'topic': STREAM_1},
    {'op': 'advertise_service', 'service': COMMAND_1, 'type': 'hos_interfaces/DeviceCommand'},
    {'op': 'unadvertise_service', 'service': COMMAND_1},
    {'op': 'call_service', 'service': 'haive_os/device/connect', 'args': {'uid': 1}},
    {'op': 'call_service', 'service': 'haive_os/device/connect', 'args': [1]},
    {
        'op': 'call_service',
        'service': 'haive_os/device/api_call',
        'args': {
            'device_id': 'H1',
            'function_name': 'f',
            'args': [{'name': 'x', 'type': 'float32', 'data': '1'}, ['y', 'int8', '2']],
        },
    },
    {'op': 'call_service', 'service': 'haive_os/connected_devices', 'args': {}},
    {
        'op': 'service_response',
        'service': COMMAND_1,
        'values': {'is_valid': True, 'error': ''},
        'result': True,
    },
    {'op': 'status', 'level': 'error', 'msg': ''},
    {'op': 'set_level', 'level': 'error'},
    {
        'op': 'sync',
        'client': 'c',
        'hash': '',
        'update': [{'id': 'd', 'type': '', 'name': '', 'uid': 1, 'tags': {'t': ''}}],
        'remove': ['d'],
        'devices': {},
    },
]


def spoilt(value: Any, extreme: str) -> Iterator[Any]:
    """Return copies of a value of JSON, each with another part replaced by an extreme."""
    yield extreme
    if isinstance(value, dict):
        for key, part in value.items():
            for copy in spoilt(part, extreme):
                yield {**value, key: copy}
    if isinstance(value, list):
        for n, part in enumerate(value):
            for copy in spoilt(part, extreme):
                yield [*value[:n], copy, *value[n + 1 :]]


@pytest.mark.parametrize('extreme', EXTREMES)
def test_an_extreme_in_any_place_of_any_frame(extreme: str) -> None:
    for frame in VALID:
        for copy in spoilt({**frame, 'id': '1'}, extreme):
            peer = quiet_peer()
            peer.session.receive(dumped(copy), 0.0)
            assert len(''.join(peer.hears_text())) < 2_000, copy


class Peers(RuleBasedStateMachine):
    """Three devices with tokens for one uid each, one peer that may be any, and the manager."""

    def __init__(self) -> None:
        super().__init__()
        self.broker = Broker()
        self.peers = [self.new_peer(n) for n in range(4)]
        self.sent: dict[int, int] = {}
        self.answered: set[int] = set()
        self.next_cmd_id = 0

    def new_peer(self, n: int) -> Peer:
        uids = frozenset({n}) if n else None
        access = Access(frozenset(Role), uids, f'peer {n}')
        return Peer(self.broker, access, limits=SessionLimits(errors=10**9))

    def take(self, n: int, events: list[Any]) -> None:
        for event in events:
            uid = getattr(event, 'uid', None)
            assert uid is None or n == 0 or uid == n
            if isinstance(event, CommandAnswered):
                assert event.cmd_id in self.sent
                assert event.cmd_id not in self.answered
                assert n == 0 or self.sent[event.cmd_id] == n
                self.answered.add(event.cmd_id)
            if call := getattr(event, 'call', None):
                self.peers[n].session.answer(call, ConnectDeviceResponse(True))

    @rule(n=st.integers(0, 3), frame=frames)
    def frame(self, n: int, frame: dict[str, Any]) -> None:
        self.take(n, self.peers[n].says(dumped(frame)))

    @rule(n=st.integers(0, 3), uid=uids, leaf=st.sampled_from(['command', 'serialized_command']))
    def serve(self, n: int, uid: int, leaf: str) -> None:
        name = f'haive_os/device/uid{uid}/{leaf}'
        self.take(n, self.peers[n].says({'op': 'advertise_service', 'service': name}))

    @rule(n=st.integers(0, 3), uid=uids, number=st.integers(1, 3))
    def answer(self, n: int, uid: int, number: int) -> None:
        service = f'haive_os/device/uid{uid}/command'
        frame = {
            'op': 'service_response',
            'id': f'service_request:{service}:{number}',
            'service': service,
            'result': True,
        }
        self.take(n, self.peers[n].says(frame))

    @rule(uid=uids, serialized=st.booleans())
    def command(self, uid: int, serialized: bool) -> None:
        make = serialized_command if serialized else typed_command
        self.sent[self.next_cmd_id] = uid
        self.take(uid, self.broker.command(make(self.next_cmd_id, uid)))
        self.next_cmd_id += 1

    @rule(uid=uids)
    def sample(self, uid: int) -> None:
        topic = f'haive_os/device/uid{uid}/stream/s'
        self.broker.publish(topic, DeviceStream(uid, 'V1'), 0.0)

    @rule(n=st.integers(0, 3))
    def reconnect(self, n: int) -> None:
        served = set(self.peers[n].session.channels)
        lost = self.broker.close_session(self.peers[n].session)
        assert {event.uid for event in lost if isinstance(event, LinkClosed)} == served
        self.peers[n] = self.new_peer(n)

    @invariant()
    def everything_written_is_json_for_its_peer(self) -> None:
        for n, peer in enumerate(self.peers):
            for frame in peer.hears():
                if frame['op'] == 'call_service' and n:
                    assert f'uid{n}/' in frame['service']

    @invariant()
    def a_uid_has_one_session(self) -> None:
        held = [uid for peer in self.peers for uid in peer.session.channels]
        assert len(held) == len(set(held))
        assert all(serves(self.broker, uid) for uid in held)

    @invariant()
    def closed_sessions_leave(self) -> None:
        for n, peer in enumerate(self.peers):
            if peer.session.closing is not None:
                self.reconnect(n)


Peers.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestPeers = Peers.TestCase
