"""The host's side of the platform: registers devices and sends results and samples."""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from hos_device_layer.core.errors import ValueMismatchError

from ..client import Client
from ..device import Device
from ..errors import UnknownDeviceError
from ..handlers import error_text
from ..message import Message, Task

_log = logging.getLogger(__name__)

# How long to wait for the last results of a device before it is unregistered anyway [s].
DELIVERY_S = 2.0


class Platform:
    """
    Keeps the order: a device is unregistered after its last result and before it comes back.

    `register` and `unregister` are called on the host's thread, on which `run_on_host` runs a
    function; `answer` and `sample` may be called on any thread.
    """

    def __init__(
        self, client: Client, run_on_host: Callable[[Callable[[], object]], None]
    ) -> None:
        self._client = client
        self._run_on_host = run_on_host
        self._lock = threading.Lock()
        self._pending: dict[int, set[Future[Message]]] = {}
        # Devices that are being unregistered, with their successors.
        self._departing: dict[str, Device | None] = {}

    @property
    def is_settled(self) -> bool:
        """Whether no device is being unregistered."""
        return not self._departing

    def register(self, device: Device) -> None:
        """Connect a device."""
        if device.id in self._departing:
            self._departing[device.id] = device
        else:
            self._client.add(device, block=False, callback=functools.partial(_log_refusal, device))

    def unregister(self, device_id: str, uid: int) -> None:
        """Disconnect a device after its last result."""
        if device_id in self._departing:
            self._departing[device_id] = None
            return
        self._departing[device_id] = None
        with self._lock:
            waiting = list(self._pending.get(uid, ()))
        if not waiting:
            self._unregister_now(device_id)
            return
        # Limited in time, because without a connection results can wait for long.
        departure = _AfterDeliveries(
            len(waiting), lambda: self._run_on_host(lambda: self._unregister_now(device_id))
        )
        for future in waiting:
            future.add_done_callback(departure.count_down)

    def answer(self, task: Task, result: Any, error: BaseException | None) -> None:
        """Send the result of a task, or its error."""
        try:
            metadata = None if error is None else {'error': error_text(error)}
            future = self._send_answer(task, result, metadata)
        except ValueMismatchError as unfit:
            future = self._send_answer(
                task, None, {'error': f'invalid result of the driver: {unfit}'}
            )
        with self._lock:
            futures = self._pending.setdefault(task.uid, set())
            futures.add(future)
        future.add_done_callback(functools.partial(self._forget_delivered, task.uid))

    def sample(self, device_id: str, stream: str, values: Any) -> None:
        """Send a sample of a stream; it is dropped while the platform is not connected."""
        if not self._client.is_connected:
            return
        try:
            self._client.event(device_id, stream, values, block=False)
        except UnknownDeviceError:
            _log.debug('%s has a sample, but is not registered', device_id)
        except ValueMismatchError as unfit:
            _log.warning('%s: dropped a sample of %r: %s', device_id, stream, unfit)

    def _send_answer(
        self, task: Task, result: Any, metadata: dict[str, Any] | None
    ) -> Future[Message]:
        future: Future[Message] = self._client.response(
            task, result, metadata, timeout=None, block=False
        )
        return future

    def _forget_delivered(self, uid: int, future: Future[Message]) -> None:
        with self._lock:
            futures = self._pending[uid]
            futures.discard(future)
            if not futures:
                del self._pending[uid]

    def _unregister_now(self, device_id: str) -> None:
        self._client.delete(device_id, block=False)
        successor = self._departing.pop(device_id)
        if successor is not None:
            self.register(successor)


class _AfterDeliveries:
    """Calls a function once: after a number of deliveries, or after `DELIVERY_S`."""

    def __init__(self, deliveries: int, function: Callable[[], object]) -> None:
        self._left = deliveries
        self._function = function
        self._lock = threading.Lock()
        self._timer = threading.Timer(DELIVERY_S, self._end)
        self._timer.daemon = True
        self._timer.start()

    def count_down(self, _: Future[Message]) -> None:
        """Count a delivery that is done."""
        with self._lock:
            self._left -= 1
            is_last = self._left == 0
        if is_last:
            self._timer.cancel()
            self._end()

    def _end(self) -> None:
        with self._lock:
            function, self._function = self._function, lambda: None
        function()


def _log_refusal(device: Device, message: Message) -> None:
    # After a timeout the device is connected with the next session.
    if not message and message.status != 408:
        _log.warning('%s is not connected: %s', device.id, message.payload)
