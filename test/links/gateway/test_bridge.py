"""Requests of sessions and their answers, between the two threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from peers import UID, Peer

from hos_device_layer.core.dispatch.effects import (
    Answer,
    CallAnswer,
    ConnectAnswer,
    ConnectedDevice,
    DevicesAnswer,
)
from hos_device_layer.core.dispatch.events import Event
from hos_device_layer.core.rosbridge import Request
from hos_device_layer.core.rosbridge.broker import Broker
from hos_device_layer.core.spec.records import FleetDevice
from hos_device_layer.links.gateway.bridge import ManagerBridge

DEVICE = FleetDevice('H4001', UID, 'DeltaHaive', 'lab')


@pytest.mark.parametrize(
    ('service', 'arguments', 'answer', 'values'),
    [
        (
            'haive_os/device/connect',
            {'uid': UID},
            ConnectAnswer(False, 'unknown'),
            {'success': False, 'error': 'unknown'},
        ),
        (
            'haive_os/device/api_call',
            {'device_id': 'H4001', 'function_name': 'f'},
            CallAnswer(True, '', 7),
            {'is_valid': True, 'error': '', 'task_id': 7},
        ),
        (
            'haive_os/connected_devices',
            {},
            DevicesAnswer((ConnectedDevice(UID, DEVICE, 1.5),)),
            {
                'device_infos': [
                    {
                        'device_id': 'H4001',
                        'device_uid': UID,
                        'device_type': 'DeltaHaive',
                        'event_time_s': 1.5,
                    }
                ]
            },
        ),
    ],
)
def test_a_request_is_answered_on_the_thread_of_the_gateway(
    service: str, arguments: dict[str, Any], answer: Answer, values: dict[str, Any]
) -> None:
    handled: list[Event] = []
    to_gateway: list[Callable[[], None]] = []

    def handle(event: Event) -> Answer:
        handled.append(event)
        return answer

    peer = Peer(Broker())
    bridge = ManagerBridge(handle, lambda job: job(), to_gateway.append)
    (request,) = peer.says(
        {'op': 'call_service', 'id': 'x', 'service': service, 'args': arguments}
    )
    assert isinstance(request, Request)
    bridge.answer(peer.session, request)
    assert handled == [request.event]
    assert peer.hears() == []
    (send,) = to_gateway
    send()
    (response,) = peer.hears()
    assert (response['id'], response['values'], response['result']) == ('x', values, True)
