"""What a long frame costs the gateway, and how it slows its peer down."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from peers import SERIALIZED, STREAM, UID, Peer, advertise, ping, serialized_command

from hos_device_layer.core.dispatch.events import CallRequested
from hos_device_layer.core.rosbridge import SessionLimits
from hos_device_layer.core.rosbridge.broker import Broker
from hos_device_layer.core.rosbridge.events import Request
from hos_device_layer.core.rosbridge.rate_limits import MAX_AUTH_CHARACTERS
from hos_device_layer.links.gateway.settings import DEFAULT_MAX_FRAME_BYTES

API_CALL = '"op":"call_service","service":"haive_os/device/api_call"'
RESPONSE = f'"op":"service_response","service":"{SERIALIZED}"'

# As many parts as a frame may have; each of them would become an object of its own.
PARTS = '[' + '[],' * (DEFAULT_MAX_FRAME_BYTES // 3 - 100) + '0]'

# The objects of the parts take five megabytes.
MOST_BYTES = 1_000_000


@pytest.mark.parametrize(
    'fields',
    [
        '"op":%s',
        '"op":"publish","id":%s',
        '"op":"call_service","service":%s',
        '"op":"publish","topic":"' + STREAM + '","msg":%s',
        '"op":"status","unknown":%s',
        API_CALL + ',"args":%s',
        API_CALL + ',"args":["H1","move",%s]',
        API_CALL + ',"args":{"device_id":"H1","function_name":"move","args":%s}',
        '"op":"call_service","service":"haive_os/device/connect","args":%s',
        RESPONSE + ',"result":%s',
        RESPONSE + ',"values":%s',
        RESPONSE + ',"values":{"is_valid":%s}',
        RESPONSE + ',"values":{"is_valid":false,"error":%s}',
    ],
)
def test_the_parts_of_a_long_frame_do_not_become_objects(
    broker: Broker, peer: Peer, fields: str
) -> None:
    peer.says(ping())
    peer.says(advertise())
    broker.command(serialized_command())
    text = '{' + fields % PARTS + '}'
    assert len(text) <= DEFAULT_MAX_FRAME_BYTES
    tracemalloc.start()
    try:
        peer.says(text)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MOST_BYTES


def test_positional_arguments_may_be_long_but_not_many(peer: Peer) -> None:
    call = {'op': 'call_service', 'service': 'haive_os/device/api_call'}
    text = 'x' * 100_000
    (event,) = peer.says({**call, 'args': ['H1', 'draw', [['path', 'string', text]]]})
    assert isinstance(event, Request) and isinstance(event.event, CallRequested)
    assert event.event.arguments[0].data == text
    assert peer.says({**call, 'args': ['H1', 'draw', [['x', 'int8', '1']] * 2_000]}) == []
    assert 'name the fields' in peer.refusal()


def test_a_long_frame_counts_as_several(broker: Broker) -> None:
    peer = Peer(broker, limits=SessionLimits(frames=100, frames_per_s=100))
    peer.says({'op': 'status', 'msg': 'x' * 202_800})
    assert peer.session.read_delay(0.0) == 0.0
    peer.says({'op': 'status', 'msg': 'x' * 202_800})
    assert peer.session.read_delay(0.0) == pytest.approx(1.0)
    # So does one that is refused.
    peer.says('x' * 204_800)
    assert peer.session.read_delay(0.0) == pytest.approx(2.01)


def test_a_long_result_counts_although_it_is_expected(broker: Broker) -> None:
    peer = Peer(broker, limits=SessionLimits(frames=10, frames_per_s=1))
    peer.says(ping())
    peer.says(advertise())
    for cmd_id in (1, 2):
        broker.command(serialized_command(cmd_id))
    delays = []
    for cmd_id, length in ((1, 10), (2, 204_800)):
        message = {'uid': UID, 'cmd_id': cmd_id, 'success': True, 'result_str': 'x' * length}
        topic = 'haive_os/device/command_result'
        assert peer.says({'op': 'publish', 'topic': topic, 'msg': message})
        delays.append(peer.session.read_delay(0.0))
    assert delays == [0.0, pytest.approx(90.0)]


@pytest.mark.parametrize('token', ['', 'viewer'])
def test_only_a_short_frame_of_a_peer_without_access_is_read(broker: Broker, token: str) -> None:
    peer = Peer(broker, access=None)
    frame: dict[str, Any] = {'op': 'auth', 'token': token, 'id': 1, 'more': ''}
    room = MAX_AUTH_CHARACTERS - len(json.dumps(frame))
    peer.says({**frame, 'more': 'x' * (room + 1)})
    assert f'{MAX_AUTH_CHARACTERS:,} characters' in peer.refusal()
    assert peer.session.access is None and peer.session.closing is None
    peer.says({**frame, 'token': 'viewer', 'more': 'x' * (room - len('viewer'))})
    assert peer.session.access is not None
