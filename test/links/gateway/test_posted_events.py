"""Events of a peer on their way to the device manager; the test is its thread."""

from __future__ import annotations

from collections.abc import Callable

from hos_device_layer.core.dispatch.events import ConnectRequested, Pinged, ResultReported
from hos_device_layer.core.rosbridge import SessionEvent
from hos_device_layer.core.rosbridge.events import Request, ServiceCall
from hos_device_layer.links.gateway.mailbox import Mailbox
from hos_device_layer.links.gateway.posted_events import _MAX_WAITING, PostedEvents

CONNECT = Request(ConnectRequested(1), ServiceCall(None, 'connect'))
RESULT = ResultReported(1, 1, True, '', '')


class Peers:
    """Peers whose events go to one mailbox; `handled` are their names, in order."""

    def __init__(self) -> None:
        self.handled: list[str] = []
        self._woken: list[Callable[[], None]] = []
        self._mailbox = Mailbox(self._woken.append)

    def new(self) -> PostedEvents:
        return PostedEvents()

    def post(self, peer: PostedEvents, event: SessionEvent, name: str) -> None:
        urgency = peer.urgency(event, lambda _, wake: wake())
        self._mailbox.put(lambda: self.handled.append(name), urgency)

    def run(self) -> None:
        while self._woken:
            self._woken.pop(0)()


def test_results_overtake_the_events_of_others_but_none_of_their_own() -> None:
    peers = Peers()
    storm, healthy, late = peers.new(), peers.new(), peers.new()
    for n in range(3):
        peers.post(storm, CONNECT, f'storm {n}')
    peers.post(late, CONNECT, 'late connect')
    peers.post(late, RESULT, 'late result')
    peers.post(healthy, RESULT, 'healthy')
    peers.run()
    assert peers.handled[0] == 'healthy'
    assert peers.handled[-2:] == ['late connect', 'late result']


def test_a_peer_waits_until_its_events_are_handled() -> None:
    peers = Peers()
    peer = peers.new()
    for _ in range(_MAX_WAITING):
        assert not peer.too_many_wait
        peers.post(peer, Pinged(1), 'ping')
    assert peer.too_many_wait
    peers.run()
    assert not peer.too_many_wait and len(peers.handled) == _MAX_WAITING
