"""A device manager that remembers what it is told, on an executor thread of its own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from hos_device_layer.core.rosbridge.messages import (
    ConnectionInfo,
    DeviceAPICallResponse,
    TypedField,
)
from hos_device_layer.links.gateway import Gateway, GatewaySettings

WAIT_S = 10


class ManagerDouble:
    """Every call by the gateway becomes a tuple in `events`."""

    def __init__(self) -> None:
        self.events: queue.Queue[tuple[Any, ...]] = queue.Queue()
        self.known = lambda uid: True
        self.infos: tuple[ConnectionInfo, ...] = ()
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

    def _run(self) -> None:
        while work := self._work.get():
            work()

    # DeviceEvents

    def connect(self, uid: int) -> tuple[bool, str]:
        self.events.put(('connect', uid))
        return (True, '') if self.known(uid) else (False, f'uid {uid} is not in the fleet')

    def ping(self, uid: int) -> None:
        self.events.put(('ping', uid))

    def connection_closed(self, uid: int) -> None:
        self.events.put(('closed', uid))

    def command_answered(self, cmd_id: int, is_valid: bool, error: str) -> None:
        self.events.put(('answered', cmd_id, is_valid, error))

    def command_result(
        self, uid: int, cmd_id: int, success: bool, error: str, result_str: str
    ) -> None:
        self.events.put(('result', uid, cmd_id, success, error, result_str))

    def stream_sample(self, uid: int, stream_name: str, data: str) -> None:
        self.events.put(('sample', uid, stream_name, data))

    # Callers

    def api_call(
        self, device_id: str, function_name: str, args: Sequence[TypedField]
    ) -> DeviceAPICallResponse:
        self.events.put(('api_call', device_id, function_name, tuple(args)))
        return DeviceAPICallResponse(True, '', 7)

    def connected_devices(self) -> Sequence[ConnectionInfo]:
        return self.infos


@contextmanager
def running_gateway(
    settings: GatewaySettings | None = None, **changes: Any
) -> Iterator[tuple[Gateway, ManagerDouble]]:
    manager = ManagerDouble()
    settings = settings or GatewaySettings(port=0, **changes)
    gateway = Gateway(settings, manager, manager, manager.wake)
    try:
        yield gateway, manager
    finally:
        gateway.stop()
        manager.stop()
