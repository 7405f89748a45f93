"""A device manager for tests that records every event, on an executor thread of its own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from msgspec.structs import astuple

from hos_device_layer.core.dispatch.effects import (
    CallAnswer,
    ConnectAnswer,
    ConnectedDevice,
    DevicesAnswer,
    LogDropped,
    Reply,
)
from hos_device_layer.core.dispatch.events import (
    CallRequested,
    CommandAnswered,
    ConnectRequested,
    DevicesRequested,
    Event,
    LinkClosed,
    Pinged,
    ResultReported,
    StreamSampled,
)
from hos_device_layer.links.gateway import Gateway, GatewayError, GatewaySettings

WAIT_S = 150

NAMES: dict[type[Event], str] = {
    ConnectRequested: 'connect',
    Pinged: 'ping',
    LinkClosed: 'closed',
    CommandAnswered: 'answered',
    ResultReported: 'result',
    CallRequested: 'api_call',
}


class ManagerDouble:
    """Every event becomes a tuple in `events`: its name and its values."""

    def __init__(self) -> None:
        self.events: queue.Queue[tuple[Any, ...]] = queue.Queue()
        self.known = lambda uid: True
        # Returns why an event of a device is dropped, '' if it is not.
        self.why_dropped: Callable[[Event], str] = lambda event: ''
        self.devices: tuple[ConnectedDevice, ...] = ()
        self._work: queue.Queue[Callable[[], None] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def wake(self, work: Callable[[], None]) -> None:
        self._work.put(work)

    def next_event(self) -> tuple[Any, ...]:
        return self.events.get(timeout=WAIT_S)

    def stop(self) -> None:
        self._work.put(None)
        self._thread.join(WAIT_S)

    def handle(self, event: Event) -> Reply | None:
        match event:
            case DevicesRequested():
                return DevicesAnswer(self.devices)
            case ConnectRequested(uid):
                self.events.put(('connect', uid))
                known = self.known(uid)
                return ConnectAnswer(known, '' if known else f'uid {uid} is not in the fleet')
            case CommandAnswered():
                self.events.put(('answered', *astuple(event)[1:]))
            case StreamSampled(uid, stream_name, data):
                self.events.put(('sample', uid, stream_name, data))
            case _:
                self.events.put((NAMES[type(event)], *astuple(event)))
        if isinstance(event, CallRequested):
            return CallAnswer(True, '', 7)
        reason = self.why_dropped(event)
        return LogDropped(reason) if reason else None

    def _run(self) -> None:
        while work := self._work.get():
            work()


def described_devices(gateway: Gateway) -> list[Any]:
    """Return what clients have told about their devices, after all that they sent before."""
    answer: queue.Queue[list[Any]] = queue.Queue()

    def read() -> None:
        owners = gateway._broker._descriptions._owners.values()
        clients = [client for owner in owners for client in owner._clients.values()]
        answer.put([device for client in clients for device in client.devices.values()])

    gateway._bridge.to_gateway.put(read)
    return answer.get(timeout=WAIT_S)


def wait_until_open(gateway: Gateway) -> None:
    """Open a gateway; raises the GatewayError if it cannot listen."""
    outcome: queue.Queue[GatewayError | None] = queue.Queue()
    gateway.open(outcome.put)
    if error := outcome.get(timeout=WAIT_S):
        raise error


RunningGateway = tuple[Gateway, ManagerDouble]


@contextmanager
def running_gateway(
    settings: GatewaySettings | None = None, **changes: Any
) -> Iterator[RunningGateway]:
    manager = ManagerDouble()
    settings = settings or GatewaySettings(**{'port': 0} | changes)
    gateway = Gateway(settings, manager.handle, manager.wake)
    try:
        wait_until_open(gateway)
        yield gateway, manager
    finally:
        gateway.stop()
        manager.stop()
