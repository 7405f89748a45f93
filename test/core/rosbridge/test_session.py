from __future__ import annotations

from typing import Any

import pytest
from peers import SERIALIZED, TOKENS, TYPED, UID, Peer, serialized_command, typed_command

from hos_device_layer.core.dispatch.calls import TypedField
from hos_device_layer.core.dispatch.events import (
    CallRequested,
    CommandAnswered,
    ConnectRequested,
    DevicesRequested,
    LinkClosed,
    Pinged,
    StreamSampled,
)
from hos_device_layer.core.rosbridge import ANONYMOUS_DEVICE_ACCESS, SessionLimits
from hos_device_layer.core.rosbridge.broker import Broker
from hos_device_layer.core.rosbridge.close_reasons import (
    REPLACED,
    TOO_MANY_ERRORS,
    TOO_SLOW,
    WRONG_TOKEN,
)
from hos_device_layer.core.rosbridge.events import Request, ServiceCall
from hos_device_layer.core.rosbridge.messages import DeviceAPICallResponse, DeviceStream
from hos_device_layer.core.rosbridge.session import MAX_UNSENT

OTHER = 7
STREAM = f'haive_os/device/uid{UID}/stream/temperature'


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def peer(broker: Broker) -> Peer:
    return Peer(broker)


def ping(uid: int = UID) -> dict[str, Any]:
    return {'op': 'publish', 'topic': 'haive_os/device/ping', 'msg': {'data': uid}}


def connect(uid: int = UID) -> dict[str, Any]:
    return {'op': 'call_service', 'service': 'haive_os/device/connect', 'args': {'uid': uid}}


def advertise(service: str = SERIALIZED) -> dict[str, Any]:
    return {'op': 'advertise_service', 'service': service}


# Answers of devices, in every form that clients send


@pytest.mark.parametrize(
    ('answer', 'is_valid'),
    [
        ({'values': {'is_valid': True, 'error': ''}, 'result': True}, True),
        ({'values': {'is_valid': True}, 'result': False}, True),
        ({'values': {'is_valid': True}}, True),
        ({'values': {'is_valid': 1}, 'result': 'true'}, True),
        ({'values': {'is_valid': 'true'}}, True),
        ({'result': True}, True),
        ({'values': {}, 'result': 'true'}, True),
        ({'values': None, 'result': True}, True),
        ({'values': {'is_valid': False, 'error': 'door open'}, 'result': True}, False),
        ({'values': {'is_valid': False, 'error': 'door open'}, 'result': 'true'}, False),
        ({'values': {'is_valid': False, 'error': 'door open'}}, False),
        ({'values': 'door open', 'result': False}, False),
        ({'values': 'door open'}, False),
        ({'result': False}, False),
        ({}, False),
        ({'values': [True], 'result': 'yes'}, False),
        ({'values': {'is_valid': None, 'error': 5}, 'result': True}, False),
    ],
)
def test_every_answer_counts(
    broker: Broker, peer: Peer, answer: dict[str, Any], is_valid: bool
) -> None:
    peer.says(advertise())
    broker.command(serialized_command(3))
    (call,) = peer.hears()
    (event,) = peer.says(
        {'op': 'service_response', 'id': call['id'], 'service': SERIALIZED, **answer}
    )
    assert isinstance(event, CommandAnswered)
    assert (event.cmd_id, event.is_valid) == (3, is_valid)
    if not is_valid:
        assert event.error == (
            'door open'
            if 'door open' in str(answer)
            else 'the device refused the command without a reason'
        )


def test_an_answer_without_id_is_for_the_oldest_call(broker: Broker, peer: Peer) -> None:
    peer.says(advertise())
    broker.command(serialized_command(1))
    broker.command(serialized_command(2))
    answer = {'op': 'service_response', 'service': SERIALIZED, 'values': {'is_valid': True}}
    assert peer.says(answer) == [CommandAnswered(UID, 1, True, '')]
    assert peer.says(answer) == [CommandAnswered(UID, 2, True, '')]
    assert peer.says(answer) == []
    assert 'answers no command' in [*peer.hears()][-1]['msg']


def test_an_answer_without_service_goes_by_its_id(broker: Broker, peer: Peer) -> None:
    peer.says(advertise())
    broker.command(serialized_command(1))
    answer = {'op': 'service_response', 'id': f'service_request:{SERIALIZED}:1', 'result': True}
    assert peer.says(answer) == [CommandAnswered(UID, 1, True, '')]


def test_a_device_cannot_answer_anothers_command(broker: Broker, peer: Peer) -> None:
    peer.says(advertise())
    broker.command(serialized_command(1))
    intruder = Peer(broker)
    answer = {
        'op': 'service_response',
        'id': f'service_request:{SERIALIZED}:1',
        'service': SERIALIZED,
        'values': {'is_valid': False},
    }
    assert intruder.says(answer) == []
    assert 'answers no command' in intruder.refusal()
    assert peer.says(answer) != []


def test_a_command_is_answered_once(broker: Broker, peer: Peer) -> None:
    peer.says(advertise())
    broker.command(serialized_command(1))
    answer = {'op': 'service_response', 'id': peer.hears()[0]['id'], 'result': True}
    assert len(peer.says(answer)) == 1
    assert peer.says(answer) == []


# Commands


def test_typed_command(broker: Broker, peer: Peer) -> None:
    peer.says(advertise('/' + TYPED))
    assert broker.command(typed_command(9)) == []
    (frame,) = peer.hears()
    assert frame == {
        'op': 'call_service',
        'id': f'service_request:/{TYPED}:1',
        'service': '/' + TYPED,
        'args': {
            'cmd_id': 9,
            'function_name': 'move',
            'num_args': 2,
            'args': [
                {'name': 'x', 'type': 'float32', 'data': '1.5'},
                {'name': 'name', 'type': 'string', 'data': 'left'},
            ],
        },
    }


def test_a_device_of_the_wrong_kind_is_told(broker: Broker, peer: Peer) -> None:
    peer.says(advertise(TYPED))
    (refusal,) = broker.command(serialized_command(4))
    assert (refusal.cmd_id, refusal.is_valid) == (4, False)
    assert 'serialized_api' in refusal.error


def test_without_advertisement_commands_wait_in_bounds(broker: Broker, peer: Peer) -> None:
    peer.says(connect())
    outcomes = [broker.command(serialized_command(n)) for n in range(101)]
    assert outcomes[:100] == [[]] * 100
    assert 'advertise_service' in outcomes[100][0].error


def test_unanswered_commands_are_bounded(broker: Broker) -> None:
    peer = Peer(broker, limits=SessionLimits(outstanding_calls=2))
    peer.says(advertise())
    assert [bool(broker.command(serialized_command(n))) for n in range(3)] == [
        False,
        False,
        True,
    ]


def test_withdrawn_service_refuses_what_it_has_not_answered(broker: Broker, peer: Peer) -> None:
    peer.says(advertise())
    broker.command(serialized_command(1))
    refusal, lost = peer.says({'op': 'unadvertise_service', 'service': SERIALIZED})
    assert isinstance(refusal, CommandAnswered) and not refusal.is_valid
    assert 'withdrew' in refusal.error
    assert lost == LinkClosed(UID) and not broker.serves(UID)


def test_a_device_stays_while_it_serves_anything(broker: Broker, peer: Peer) -> None:
    peer.says(advertise())
    peer.says(advertise(TYPED))
    assert peer.says({'op': 'unadvertise_service', 'service': TYPED}) == []
    assert broker.serves(UID)
    assert peer.says({'op': 'unadvertise_service', 'service': SERIALIZED}) == [LinkClosed(UID)]
    assert peer.says({'op': 'unadvertise_service', 'service': SERIALIZED}) == []


def test_command_to_nobody_is_refused(broker: Broker) -> None:
    (refusal,) = broker.command(serialized_command(1))
    assert not refusal.is_valid and 'lost its connection' in refusal.error


# Names and identities


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
        {'op': 'subscribe', 'topic': STREAM, 'compression': 'png'},
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
def test_what_does_not_pass_gets_one_status_error(broker: Broker, peer: Peer, frame: Any) -> None:
    assert peer.says(frame) == []
    assert peer.refusal()
    assert peer.session.closing is None
    assert not broker.serves(UID)


def test_a_refused_call_is_answered_as_well(peer: Peer) -> None:
    for service, args in (
        ('/rosapi/topics', {}),
        (SERIALIZED, {}),
        ('haive_os/device/connect', {'uid': 'x'}),
        ('haive_os/device/connect', 5),
    ):
        assert peer.says({'op': 'call_service', 'id': 'a', 'service': service, 'args': args}) == []
        response, status = peer.hears()
        assert response['op'] == 'service_response' and response['id'] == 'a'
        assert response['service'] == service and response['result'] is False
        assert response['values'] == status['msg']


def test_a_call_that_is_not_understood_is_answered_too(peer: Peer) -> None:
    peer.says({'op': 'call_service', 'id': [1], 'service': 'x', 'args': {}})
    response, _ = peer.hears()
    assert response['service'] == 'x' and response['result'] is False


def test_the_last_of_duplicate_keys_counts(peer: Peer) -> None:
    text = '{"op":"publish","topic":"x","topic":"haive_os/device/ping","msg":{"data":1,"data":%d}}'
    assert peer.says(text % UID) == [Pinged(UID)]


@pytest.mark.parametrize('type_name', ['', 'std_msgs/UInt32', 'std_msgs/msg/UInt32'])
def test_type_names_in_both_forms(peer: Peer, type_name: str) -> None:
    peer.says({'op': 'advertise', 'topic': '/haive_os/device/ping', 'type': type_name})
    assert peer.hears() == []


def test_a_device_token_is_for_its_own_uid(broker: Broker) -> None:
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
def test_roles(broker: Broker, role: str, may_call: bool, may_read: bool, may_ping: bool) -> None:
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


def test_anonymous_devices_are_devices_only(broker: Broker) -> None:
    peer = Peer(broker, ANONYMOUS_DEVICE_ACCESS)
    assert peer.says(connect()) == [
        Request(ConnectRequested(UID), ServiceCall(None, 'haive_os/device/connect'))
    ]
    assert peer.says({'op': 'call_service', 'service': 'haive_os/connected_devices'}) == []


def test_several_devices_on_one_socket(broker: Broker, peer: Peer) -> None:
    other = f'haive_os/device/uid{OTHER}/serialized_command'
    peer.says(advertise())
    peer.says(advertise(other))
    broker.command(serialized_command(1, OTHER))
    broker.command(serialized_command(2))
    assert [(f['service'], f['args']['cmd_id']) for f in peer.hears()] == [
        (other, 1),
        (SERIALIZED, 2),
    ]
    assert broker.close_session(peer.session) == [LinkClosed(UID), LinkClosed(OTHER)]


# Tokens in frames


def test_nothing_passes_before_the_token(broker: Broker) -> None:
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


def test_a_token_comes_before_anything_else(broker: Broker, peer: Peer) -> None:
    peer.says(ping(OTHER))
    peer.says({'op': 'auth', 'token': 'device'})
    assert 'before any other frame' in peer.refusal()


def test_a_wrong_token_ends_the_session(broker: Broker) -> None:
    peer = Peer(broker)
    peer.says({'op': 'auth', 'token': 'guessed'})
    assert peer.session.closing == WRONG_TOKEN
    assert peer.says(ping()) == []


# One uid, one session


def test_a_newer_session_replaces_the_older(broker: Broker, peer: Peer) -> None:
    peer.says(advertise())
    newer = Peer(broker)
    newer.says(advertise())
    assert peer.session.closing == REPLACED
    broker.command(serialized_command(1))
    assert len(newer.hears()) == 1
    assert broker.close_session(peer.session) == []
    assert broker.close_session(newer.session) == [LinkClosed(UID)]


def test_an_anonymous_session_replaces_none_from_elsewhere(broker: Broker) -> None:
    older = Peer(broker, ANONYMOUS_DEVICE_ACCESS, '10.0.0.1')
    older.says(advertise())
    thief = Peer(broker, ANONYMOUS_DEVICE_ACCESS, '10.0.0.2')
    assert thief.says(advertise()) == []
    assert 'another address' in thief.refusal()
    assert older.session.closing is None
    owner = Peer(broker, TOKENS['device'], '10.0.0.3')
    owner.says(advertise())
    assert older.session.closing == REPLACED
    again = Peer(broker, ANONYMOUS_DEVICE_ACCESS, '10.0.0.3')
    again.says(connect())
    assert owner.session.closing is None


def test_only_registering_replaces(broker: Broker, peer: Peer) -> None:
    peer.says(advertise())
    other = Peer(broker)
    assert other.says(ping()) == []
    assert 'newer session' in other.refusal()
    assert peer.says(ping()) == [Pinged(UID)]


def test_a_socket_with_other_devices_goes_on_without_the_replaced(
    broker: Broker, peer: Peer
) -> None:
    peer.says(advertise())
    peer.says(connect(OTHER))
    Peer(broker).says(connect())
    assert peer.session.closing is None
    assert peer.says(ping(OTHER)) == [Pinged(OTHER)]
    assert peer.says(ping()) == []


# Calls and subscriptions


def test_api_call(peer: Peer) -> None:
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


def test_calls_without_answers_are_bounded(broker: Broker) -> None:
    peer = Peer(broker, limits=SessionLimits(outstanding_calls=1))
    listing = {'op': 'call_service', 'service': 'haive_os/connected_devices'}
    (event,) = peer.says(listing)
    assert peer.says(listing) == []
    assert isinstance(event, Request) and event.event == DevicesRequested()
    peer.session.answer(event.call, DeviceAPICallResponse(True))
    assert len(peer.says(listing)) == 1


def test_subscribers_get_the_name_they_sent(broker: Broker) -> None:
    plain, slashed, silent = Peer(broker), Peer(broker), Peer(broker)
    plain.says({'op': 'subscribe', 'topic': STREAM})
    slashed.says({'op': 'subscribe', 'topic': '/' + STREAM, 'id': 's'})
    broker.publish(STREAM, DeviceStream(UID, 'V1'), 0.0)
    assert plain.hears() == [{'op': 'publish', 'topic': STREAM, 'msg': {'uid': UID, 'data': 'V1'}}]
    assert [frame['topic'] for frame in slashed.hears()] == ['/' + STREAM]
    assert silent.hears() == []


def test_subscriptions_of_one_topic_end_one_by_one(broker: Broker, peer: Peer) -> None:
    for frame_id in 'ab':
        peer.says({'op': 'subscribe', 'topic': STREAM, 'id': frame_id})
    peer.says({'op': 'unsubscribe', 'topic': STREAM, 'id': 'a'})
    assert broker.is_wanted(STREAM)
    broker.publish(STREAM, DeviceStream(UID, 'V1'), 0.0)
    assert len(peer.hears()) == 1
    peer.says({'op': 'unsubscribe', 'topic': STREAM, 'id': 'b'})
    assert not broker.is_wanted(STREAM)
    peer.says({'op': 'unsubscribe', 'topic': STREAM})
    assert peer.hears() == []


def test_throttled_subscription(broker: Broker, peer: Peer) -> None:
    peer.says({'op': 'subscribe', 'topic': STREAM, 'throttle_rate': 1000})
    for now in (10.0, 10.5, 10.9, 11.0, 11.5):
        broker.publish(STREAM, DeviceStream(UID, f'V{now}'), now)
    assert [frame['msg']['data'] for frame in peer.hears()] == ['V10.0', 'V11.0']


def test_leaving_ends_subscriptions(broker: Broker, peer: Peer) -> None:
    peer.says({'op': 'subscribe', 'topic': STREAM})
    broker.close_session(peer.session)
    assert not broker.is_wanted(STREAM)


def test_stream_sample(peer: Peer) -> None:
    sample = {'op': 'publish', 'topic': STREAM, 'msg': {'uid': UID, 'data': 'V21.5'}}
    assert peer.says(sample) == [StreamSampled(UID, 'temperature', 'V21.5')]


# Bounds


def test_subscriptions_and_devices_are_bounded(broker: Broker) -> None:
    peer = Peer(broker, limits=SessionLimits(devices=3, subscriptions=2))
    for n in range(10):
        peer.says({'op': 'subscribe', 'topic': f'haive_os/device/uid{n}/stream/s'})
        peer.says(connect(n))
    statuses = [frame for frame in peer.hears() if frame['op'] == 'status']
    assert len(statuses) == 8 + 7
    assert len(peer.session.channels) == 3 and peer.session.subscription_count == 2


def test_ten_thousand_wrong_advertisements_end_the_session(peer: Peer) -> None:
    for n in range(10_000):
        peer.says({'op': 'advertise', 'topic': f'/spam{n}'})
    assert peer.session.closing == TOO_MANY_ERRORS
    assert len(peer.hears()) == SessionLimits().errors + 1


def test_ten_thousand_advertisements_of_one_device_cost_nothing(
    broker: Broker, peer: Peer
) -> None:
    for _ in range(10_000):
        peer.says(advertise())
    assert peer.session.closing is None
    broker.command(serialized_command(1))
    assert peer.hears()[0]['id'].endswith(':1')


def test_a_slow_reader_is_cut_off(broker: Broker, peer: Peer) -> None:
    peer.says({'op': 'subscribe', 'topic': STREAM})
    sample = DeviceStream(UID, 'x' * 10_000)
    for _ in range(MAX_UNSENT // 10_000 + 1):
        broker.publish(STREAM, sample, 0.0)
    assert peer.session.closing == TOO_SLOW
    assert not peer.session.outgoing


def test_a_flood_is_slowed_down_and_recovers(broker: Broker) -> None:
    peer = Peer(broker, limits=SessionLimits(frames=10, frames_per_s=100))
    assert [peer.session.read_delay(0.0) for _ in range(10)] == [0.0] * 10
    assert peer.session.read_delay(0.0) == pytest.approx(0.01)
    assert peer.session.read_delay(0.0) == pytest.approx(0.02)
    assert peer.session.read_delay(1.0) == 0.0


def test_one_wake_for_many_frames(broker: Broker, peer: Peer) -> None:
    peer.says(advertise())
    for n in range(5):
        broker.command(serialized_command(n))
    assert peer.wakes == 1
    peer.hears()
    broker.command(serialized_command(6))
    assert peer.wakes == 2
