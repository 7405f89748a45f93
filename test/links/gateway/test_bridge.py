"""Requests of sessions and their answers, between the two threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from peers import STREAM, UID, Peer

from hos_device_layer.core.dispatch.effects import (
    Answer,
    CallAnswer,
    ConnectAnswer,
    ConnectedDevice,
    DevicesAnswer,
    LogDropped,
    Reply,
)
from hos_device_layer.core.dispatch.events import Event, ResultReported
from hos_device_layer.core.rosbridge import Request
from hos_device_layer.core.rosbridge.broker import Broker
from hos_device_layer.core.rosbridge.frames import FrameId
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
    bridge.job(peer.session, request)()
    assert handled == [request.event]
    assert peer.hears() == []
    (send,) = to_gateway
    send()
    (response,) = peer.hears()
    assert (response['id'], response['values'], response['result']) == ('x', values, True)


class Threads:
    """A bridge whose two threads run only when the test lets them."""

    def __init__(self, reply: Reply | None = None) -> None:
        self.handled: list[Event] = []
        self._reply = reply
        self._jobs: list[Callable[[], None]] = []
        self._frames: list[Callable[[], None]] = []
        self.peer = Peer(Broker())
        self._bridge = ManagerBridge(self._handle, self._jobs.append, self._frames.append)

    def _handle(self, event: Event) -> Reply | None:
        self.handled.append(event)
        return self._reply

    def says(self, *frames: Any) -> None:
        for frame in frames:
            for event in self.peer.says(frame):
                self._bridge.to_manager.put(self._bridge.job(self.peer.session, event))

    def run(self) -> list[dict[str, Any]]:
        """Let the device manager's thread run, then the gateway's; returns what the peer hears."""
        for jobs in (self._jobs, self._frames):
            for job in [*jobs]:
                job()
        return self.peer.hears()


def result(frame_id: FrameId = 'r1') -> dict[str, Any]:
    message = {'uid': UID, 'cmd_id': 5, 'success': True, 'result_str': 'V5'}
    frame = {'op': 'publish', 'topic': 'haive_os/device/command_result', 'msg': message}
    return frame if frame_id is None else {**frame, 'id': frame_id}


SAMPLE = {'op': 'publish', 'id': 3, 'topic': STREAM, 'msg': {'uid': UID, 'data': 'V1'}}
DROPPED = LogDropped('a result for task 5, which is unknown')


@pytest.mark.parametrize(('frame', 'frame_id'), [(result(), 'r1'), (SAMPLE, 3)])
def test_a_peer_is_told_why_its_result_or_sample_was_dropped(
    frame: dict[str, Any], frame_id: FrameId
) -> None:
    threads = Threads(DROPPED)
    threads.says(frame)
    assert threads.run() == [
        {'op': 'status', 'id': frame_id, 'level': 'error', 'msg': DROPPED.reason}
    ]


@pytest.mark.parametrize(('frame', 'reply'), [(result(), None), (result(None), DROPPED)])
def test_a_peer_is_told_nothing_of_a_result_that_counts_or_has_no_id(
    frame: dict[str, Any], reply: Reply | None
) -> None:
    threads = Threads(reply)
    threads.says(frame)
    assert threads.run() == []
    assert threads.handled == [ResultReported(UID, 5, True, '', 'V5')]


def test_what_was_sent_before_a_confirm_frame_is_handled_before_its_answer() -> None:
    threads = Threads(DROPPED)
    threads.says(result('a'), result(None), result('b'), {'op': 'confirm', 'id': 'c'}, result('d'))
    assert threads.peer.hears() == []
    heard = threads.run()
    assert [(frame['op'], frame['id']) for frame in heard] == [
        ('status', 'a'),
        ('status', 'b'),
        ('confirm', 'c'),
        ('status', 'd'),
    ]
    assert len(threads.handled) == 4


def test_frames_that_the_manager_drops_do_not_close_the_session() -> None:
    threads = Threads(DROPPED)
    threads.says(*[result()] * 1000)
    while threads.run():
        pass
    assert threads.peer.session.closing is None
