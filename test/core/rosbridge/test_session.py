"""The session of one peer: which frames it accepts, from whom, and within which limits."""

from __future__ import annotations

from typing import Any

import pytest
from peers import (
    OTHER,
    SERIALIZED,
    STREAM,
    TOKENS,
    UID,
    Peer,
    advertise,
    connect,
    ping,
    serialized_command,
    serves,
)

from hos_device_layer.core.dispatch.calls import TypedField
from hos_device_layer.core.dispatch.events import (
    CallRequested,
    ConnectRequested,
    DevicesRequested,
    Pinged,
    StreamSampled,
)
from hos_device_layer.core.rosbridge import ANONYMOUS_DEVICE_ACCESS, LOCAL_ACCESS, SessionLimits
from hos_device_layer.core.rosbridge.broker import Broker
from hos_device_layer.core.rosbridge.close_reasons import (
    TOO_MANY_ERRORS,
    TOO_SLOW,
    WRONG_TOKEN,
)
from hos_device_layer.core.rosbridge.events import Request, ServiceCall
from hos_device_layer.core.rosbridge.messages import DeviceAPICallResponse, DeviceStream
from hos_device_layer.core.rosbridge.session import MAX_UNSENT


@pytest.mark.parametrize(
    'frame',
    [
        {'op': 'publish', 'topic': 'cmd_vel', 'msg': {}},
        {'op': 'publish', 'topic': 'haive_os/device/connected', 'msg': {}},
        {'op': 'publish', 'topic': '//haive_os/device/ping', 'msg': {'data': UID}},
        {'op': 'publish', 'topic': 'haive_os/device/uid007/stream/x', 'msg': {}},
        {'op': 'publish', 'topic': 'haive_os/device/uid4294967296/stream/x', 'msg': {}},
        {'op': 'publish', 'topic': STREAM, 'msg': {'uid': OTHER, 'data': 'V1'}},
        {'op': 'publish', 'topic': 'haive_os/device/ping', 'msg': {'data': -1}},
        {'op': 'publish', 'topic': 'haive_os/device/ping', 'msg': {'data': 2**32}},
        {'op': 'publish', 'topic': 'haive_os/device/ping', 'msg': [UID]},
        {'op': 'publish', 'topic': 'haive_os/device/ping'},
        {'op': 'publish', 'topic': 'haive_os/device/command_result', 'msg': {'uid': UID}},
        {'op': 'advertise', 'topic': 'rosout', 'type': 'rcl_interfaces/Log'},
        {'op': 'advertise', 'topic': 'haive_os/device/ping', 'type': 'std_msgs/String'},
        {'op': 'advertise', 'topic': 'haive_os/device/api_call_result'},
        {'op': 'unadvertise', 'topic': 'rosout'},
        {'op': 'subscribe', 'topic': '/rosout'},
        {'op': 'subscribe', 'topic': 'haive_os/device/ping'},
        {'op': 'subscribe', 'topic': STREAM, 'compression': 'cbor-raw'},
        {'op': 'advertise_service', 'service': 'haive_os/device/connect'},
        {'op': 'advertise_service', 'service': 'haive_os/device/api_call'},
        {'op': 'advertise_service', 'service': '/set_parameters'},
        {'op': 'advertise_service', 'service': SERIALIZED, 'type': 'hos_interfaces/DeviceCommand'},
        {'op': 'unadvertise_service', 'service': 'haive_os/device/api_call'},
        {'op': 'send_action_goal', 'action': 'x'},
        {'op': 'fragment', 'id': '1', 'data': 'x', 'num': 0, 'total': 1},
        {'op': 5},
        {},
        [],
        '5',
        'nonsense',
        '',
        '{"op":"publish"',
        '{"op":"publish","topic":"haive_os/device/ping","msg":{"data":NaN}}',
        '[' * 100_000,
        '{"op":"publish","topic":"haive_os/device/ping","msg":' + '[' * 50_000,
        '{"op":"status","extra":' + '[' * 50_000 + ']' * 50_000 + '}',
        '{"op":"advertise","topic":"\\ud800"}',
        '{"op":"advertise","topic":"\udc00"}',
    ],
)
def test_an_invalid_frame_is_refused_with_one_status_error(
    broker: Broker, peer: Peer, frame: Any
) -> None:
    assert peer.says(frame) == []
    assert peer.refusal()
    assert peer.session.closing is None
    assert not serves(broker, UID)


def test_a_refused_call_is_answered_by_its_response_alone(peer: Peer) -> None:
    for service, args in (
        ('/rosapi/topics', {}),
        (SERIALIZED, {}),
        ('haive_os/device/connect', {'uid': 'x'}),
        ('haive_os/device/connect', 5),
    ):
        assert peer.says({'op': 'call_service', 'id': 'a', 'service': service, 'args': args}) == []
        (response,) = peer.hears()
        assert response['op'] == 'service_response' and response['id'] == 'a'
        assert response['service'] == service and response['result'] is False
        assert isinstance(response['values'], str) and response['values']


def test_a_call_with_an_invalid_id_is_answered(peer: Peer) -> None:
    peer.says({'op': 'call_service', 'id': [1], 'service': 'x', 'args': {}})
    (response,) = peer.hears()
    assert response['service'] == 'x' and response['result'] is False


def test_the_last_of_duplicate_keys_is_used(peer: Peer) -> None:
    text = '{"op":"publish","topic":"x","topic":"haive_os/device/ping","msg":{"data":1,"data":%d}}'
    assert peer.says(text % UID) == [Pinged(UID)]


@pytest.mark.parametrize('type_name', ['', 'std_msgs/UInt32', 'std_msgs/msg/UInt32'])
def test_type_names_are_accepted_in_both_forms(peer: Peer, type_name: str) -> None:
    peer.says({'op': 'advertise', 'topic': '/haive_os/device/ping', 'type': type_name})
    assert peer.hears() == []


def test_a_device_token_only_admits_its_own_uid(broker: Broker) -> None:
    device = Peer(broker, TOKENS['device'])
    assert device.says(ping()) == [Pinged(UID)]
    theft: list[dict[str, Any]] = [
        ping(OTHER),
        connect(OTHER),
        advertise(f'haive_os/device/uid{OTHER}/command'),
        {'op': 'unadvertise_service', 'service': f'haive_os/device/uid{OTHER}/command'},
        {
            'op': 'publish',
            'topic': 'haive_os/device/command_result',
            'msg': {'uid': OTHER, 'cmd_id': 1, 'success': True},
        },
        {
            'op': 'publish',
            'topic': f'haive_os/device/uid{OTHER}/stream/t',
            'msg': {'uid': OTHER, 'data': ''},
        },
        {'op': 'advertise', 'topic': f'haive_os/device/uid{OTHER}/stream/t'},
    ]
    for frame in theft:
        assert device.says(frame) == []
        assert 'only act for its own uid' in device.refusal()


@pytest.mark.parametrize(
    ('role', 'may_call', 'may_read', 'may_ping'),
    [
        ('device', False, False, True),
        ('operator', True, True, False),
        ('viewer', False, True, False),
    ],
)
def test_each_role_has_its_permissions(
    broker: Broker, role: str, may_call: bool, may_read: bool, may_ping: bool
) -> None:
    peer = Peer(broker, TOKENS[role])
    api_call = {
        'op': 'call_service',
        'service': 'haive_os/device/api_call',
        'args': {'device_id': 'H1', 'function_name': 'f'},
    }
    listing = {'op': 'call_service', 'service': 'haive_os/connected_devices'}
    assert bool(peer.says(api_call)) == may_call
    assert bool(peer.says(listing)) == may_read
    assert bool(peer.says(ping())) == may_ping
    peer.says({'op': 'subscribe', 'topic': STREAM})
    assert broker.is_wanted(STREAM) == may_read


def test_an_anonymous_device_may_only_act_as_a_device(broker: Broker) -> None:
    peer = Peer(broker, ANONYMOUS_DEVICE_ACCESS)
    assert peer.says(connect()) == [
        Request(ConnectRequested(UID), ServiceCall(None, 'haive_os/device/connect'))
    ]
    assert peer.says({'op': 'call_service', 'service': 'haive_os/connected_devices'}) == []


def test_frames_before_the_token_are_refused(broker: Broker) -> None:
    peer = Peer(broker, access=None)
    assert peer.says(ping()) == []
    assert 'token' in peer.refusal()
    peer.says({'op': 'auth', 'token': 'device'})
    assert peer.says(ping()) == [Pinged(UID)]
    assert peer.session.closing is None


def test_the_javascript_client_sends_its_token_as_mac(broker: Broker) -> None:
    peer = Peer(broker, access=None)
    peer.says({'op': 'auth', 'mac': 'viewer', 'client': '', 'dest': '', 't': 0, 'level': 'user'})
    assert peer.session.access == TOKENS['viewer']


def test_a_token_after_other_frames_is_refused(broker: Broker, peer: Peer) -> None:
    peer.says(ping(OTHER))
    peer.says({'op': 'auth', 'token': 'device'})
    assert 'before any other frame' in peer.refusal()


@pytest.mark.parametrize('role', ['viewer', 'device', 'wrong'])
def test_a_second_token_is_refused(broker: Broker, role: str) -> None:
    """What the first one allowed would outlive its revocation."""
    peer = Peer(broker, access=None)
    peer.says({'op': 'auth', 'token': 'viewer'})
    peer.says({'op': 'subscribe', 'topic': STREAM})
    peer.says({'op': 'auth', 'token': role})
    assert 'before any other frame' in peer.refusal()
    assert peer.session.access == TOKENS['viewer'] and peer.session.closing is None


@pytest.mark.parametrize(
    'frame',
    [
        {'op': 'subscribe', 'topic': STREAM},
        {'op': 'advertise', 'topic': STREAM, 'latch': True},
        {'op': 'call_service', 'service': 'haive_os/connected_devices'},
    ],
)
def test_a_token_after_any_frame_is_refused(peer: Peer, frame: dict[str, Any]) -> None:
    peer.says(frame)
    peer.says({'op': 'auth', 'token': 'device'})
    assert 'before any other frame' in peer.refusal()
    assert peer.session.access == LOCAL_ACCESS


def test_a_wrong_token_closes_the_session(broker: Broker) -> None:
    peer = Peer(broker)
    peer.says({'op': 'auth', 'token': 'guessed'})
    assert peer.session.closing == WRONG_TOKEN
    assert peer.says(ping()) == []


def test_an_api_call_is_reported_and_answered(peer: Peer) -> None:
    (event,) = peer.says(
        {
            'op': 'call_service',
            'id': 17,
            'service': '/haive_os/device/api_call',
            'args': {
                'device_id': 'H4001',
                'function_name': 'move',
                'args': [{'name': 'x', 'type': 'float32', 'data': '1'}],
            },
        }
    )
    call = ServiceCall(17, '/haive_os/device/api_call')
    assert event == Request(
        CallRequested('H4001', 'move', (TypedField('x', 'float32', '1'),)), call
    )
    peer.session.answer(call, DeviceAPICallResponse(True, '', 5))
    assert peer.hears() == [
        {
            'op': 'service_response',
            'id': 17,
            'service': '/haive_os/device/api_call',
            'values': {'is_valid': True, 'error': '', 'task_id': 5},
            'result': True,
        }
    ]


@pytest.mark.parametrize(
    'args',
    [
        ['H4001', 'move', [['x', 'float32', '1']]],
        ['H4001', 'move', [{'name': 'x', 'type': 'float32', 'data': '1'}]],
        {'device_id': 'H4001', 'function_name': 'move', 'args': [['x', 'float32', '1']]},
    ],
)
def test_the_arguments_of_a_call_may_be_positional(peer: Peer, args: Any) -> None:
    frame = {'op': 'call_service', 'service': 'haive_os/device/api_call', 'args': args}
    (event,) = peer.says(frame)
    move = CallRequested('H4001', 'move', (TypedField('x', 'float32', '1'),))
    assert isinstance(event, Request) and event.event == move


def test_positional_arguments_of_the_other_services(peer: Peer) -> None:
    (connecting,) = peer.says({**connect(), 'args': [str(UID)]})
    listing = {'op': 'call_service', 'service': 'haive_os/connected_devices', 'args': []}
    (listed,) = peer.says(listing)
    assert isinstance(connecting, Request) and isinstance(listed, Request)
    assert (connecting.event, listed.event) == (ConnectRequested(UID), DevicesRequested())


@pytest.mark.parametrize(
    ('args', 'reason'),
    [
        ([], 'missing required field `uid`'),
        ([UID, 5], 'at most 1 value (uid), got 2'),
        ([[UID]], 'got `array`'),
        ([2**32], '<= 4294967295'),
    ],
)
def test_positional_arguments_that_do_not_fit_are_refused(
    peer: Peer, args: Any, reason: str
) -> None:
    assert peer.says({**connect(), 'args': args}) == []
    (response,) = peer.hears()
    assert response['result'] is False
    assert 'expected ConnectDeviceRequest: ' in response['values']
    assert reason in response['values']


def test_the_number_of_unanswered_calls_is_limited(broker: Broker) -> None:
    peer = Peer(broker, limits=SessionLimits(outstanding_calls=1))
    listing = {'op': 'call_service', 'service': 'haive_os/connected_devices'}
    (event,) = peer.says(listing)
    assert peer.says(listing) == []
    assert isinstance(event, Request) and event.event == DevicesRequested()
    peer.session.answer(event.call, DeviceAPICallResponse(True))
    assert len(peer.says(listing)) == 1


def test_a_stream_sample_is_reported(peer: Peer) -> None:
    sample = {'op': 'publish', 'topic': STREAM, 'msg': {'uid': UID, 'data': 'V21.5'}}
    assert peer.says(sample) == [StreamSampled(UID, 'temperature', 'V21.5')]


def test_the_numbers_of_subscriptions_and_devices_are_limited(broker: Broker) -> None:
    peer = Peer(broker, limits=SessionLimits(devices=3, subscriptions=2))
    for n in range(10):
        peer.says({'op': 'subscribe', 'topic': f'haive_os/device/uid{n}/stream/s'})
        peer.says(connect(n))
    refusals = [frame['op'] for frame in peer.hears()]
    assert refusals.count('status') == 8 and refusals.count('service_response') == 7
    assert len(peer.session.channels) == 3 and peer.session.subscription_count == 2


def test_too_many_refused_frames_close_the_session(peer: Peer) -> None:
    for n in range(10_000):
        peer.says({'op': 'advertise', 'topic': f'/spam{n}'})
    assert peer.session.closing == TOO_MANY_ERRORS
    assert len(peer.hears()) == SessionLimits().errors + 1


def test_repeated_advertisements_are_not_counted_as_errors(broker: Broker, peer: Peer) -> None:
    for _ in range(10_000):
        peer.says(advertise())
    assert peer.session.closing is None
    broker.command(serialized_command(1))
    assert peer.hears()[0]['id'].endswith(':1')


def test_a_slow_reader_is_disconnected(broker: Broker, peer: Peer) -> None:
    peer.is_slow = True
    peer.says({'op': 'subscribe', 'topic': STREAM})
    sample = DeviceStream(UID, 'x' * 10_000)
    for _ in range(MAX_UNSENT // 10_000 + 1):
        broker.publish(STREAM, sample, 0.0)
    assert peer.session.closing == TOO_SLOW
    assert not peer.session.outgoing


def test_a_flood_is_read_slowly_until_it_ends(broker: Broker) -> None:
    peer = Peer(broker, limits=SessionLimits(frames=10, frames_per_s=100))
    assert [peer.session.read_delay(0.0) for _ in range(10)] == [0.0] * 10
    assert peer.session.read_delay(0.0) == pytest.approx(0.01)
    assert peer.session.read_delay(0.0) == pytest.approx(0.02)
    assert peer.session.read_delay(1.0) == 0.0
