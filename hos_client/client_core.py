"""What the asynchronous and the synchronous client have in common; runs on an event loop."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from hos_device_layer.core.text import shortened

from . import wire
from .backoff import Backoff
from .command_receiver import CommandReceiver, Receive
from .connection import GatewayConnection
from .device import Device
from .errors import ConfigurationError, TaskError, UnknownDeviceError
from .guarding import guarded, report_exception
from .handler_threads import HandlerThreads, TooManyThreadsError
from .handlers import is_async
from .local_devices import LocalDevices
from .message import Message, Task
from .outbox import Outbox
from .pools import DeviceManagerInterface
from .registration import OK, Change, Registration
from .requests import Request, delivery, exchange, finished, start_in_time
from .settings import Settings

_log = logging.getLogger(__name__)

PROGRESS_STREAM = 'progress'

_ITERATIONS_TO_CLOSE = 3

# What the gateway accepts as the name of a client [characters].
_MAX_NAME = 200

_ANSWERED = Message(409, 'this task already has a response')
_STOPPED = 'the program of the device was stopped before it finished'

# Called without arguments: a coroutine function, or a plain one, which runs on a thread.
Notify = Callable[[], object]


@dataclass(frozen=True)
class ClientOptions:
    """The optional arguments of a client; see Client."""

    name: str | None = None
    on_connect: Notify | None = None
    on_disconnect: Notify | None = None
    ping_interval_s: float = 5.0
    backoff: Backoff | None = None
    confirm_interval_s: float = 0.0


class ClientCore:
    """
    The connection, the devices and the tasks of a client.

    The methods that return a Request make local changes at once, on any thread; the request is
    started on the event loop. `receiver` receives tasks that have no handler.
    """

    def __init__(
        self,
        devices: DeviceManagerInterface,
        settings: Settings,
        options: ClientOptions,
        receiver: Receive,
    ) -> None:
        self.settings = settings
        self._devices = devices
        self._options = options
        self._threads = HandlerThreads()
        self._outbox = Outbox()
        self._local = LocalDevices(devices)
        name = _checked_name(options.name or socket.gethostname())
        self._registration = Registration(self._local, name, options.ping_interval_s)
        self.receiver = CommandReceiver(
            self._local.by_uid,
            self._threads,
            receiver,
            self._respond_later,
            self._report_progress,
        )
        self.connection = GatewayConnection(
            settings,
            self._outbox,
            self.receiver.receive,
            self._registration.synchronize,
            self._registration.send_pings,
            partial(self._report, 'connected to', options.on_connect),
            partial(self._report, 'disconnected from', options.on_disconnect),
            options.backoff,
            options.confirm_interval_s,
        )
        self._notifying: set[asyncio.Future[None]] = set()

    async def run(self) -> None:
        """Connect, and connect again, until `stop`."""
        self._loop = asyncio.get_running_loop()
        try:
            await self.connection.run()
        finally:
            self._threads.close()
            # Closed transports release their sockets in the next iterations of the loop.
            for _ in range(_ITERATIONS_TO_CLOSE):
                await asyncio.sleep(0)

    def stop(self) -> None:
        """Fail the tasks without a response, deliver what is left, and let the connection end."""
        self.receiver.close_all(_STOPPED)
        self.connection.stop()

    def call(self, what: str, function: Callable[..., object], *arguments: object) -> None:
        """Call a function of the program; it may be a coroutine function."""
        bound = partial(function, *arguments)
        if is_async(function):
            running = asyncio.ensure_future(_awaited(what, bound))
            self._notifying.add(running)
            running.add_done_callback(self._notifying.discard)
            return
        try:
            self._threads.submit(partial(guarded, what, bound))
        except TooManyThreadsError:
            _log.error('%s was not called: too many functions of the program are running', what)

    # Requests

    def response(self, task: Message, data: Any, metadata: dict[str, Any] | None) -> Request:
        """Return the request that ends a task; raises ValueMismatchError or TaskError."""
        if not isinstance(task, Task):
            raise TaskError(f'expected a task, got {task!r}: receive() returned it on a timeout')
        own = task
        result = wire.result(own.uid, own.cmd_id, (metadata or {}).get('error'), data)

        def substitute(reason: str) -> wire.Publication:
            device = own.device.id if own.device is not None else f'uid {own.uid}'
            error = f'the result of {own.function_name!r} of {device} is too large: {reason}'
            return wire.result(own.uid, own.cmd_id, error, None)

        deliver = delivery(self._outbox, self.connection.notify_outbox, result, True, substitute)

        def start(done: Callable[[Message], object]) -> Callable[[], object]:
            is_open = self.receiver.close_task(own)
            return (deliver if is_open else finished(_ANSWERED))(done)

        return start

    def sample(self, device: Device | str, stream: str, data: Any, confirm: bool) -> Request:
        """Return the request that sends a sample; raises DeviceError or ValueMismatchError."""
        own = self._known(device)
        if own.uid is None:
            return finished(Message(422, f'{own.id} has no uid'))
        sample = wire.sample(own.uid, stream, data)
        return delivery(self._outbox, self.connection.notify_outbox, sample, confirm)

    def add(self, device: Device) -> Request:
        """Add a device, and return the request that connects it."""
        self._devices.add(device)
        self._local.include(device.id)
        return self._change(self._registration.add, device)

    def update(self, device: Device) -> Request:
        """Change a device, and return the request that sends its description."""
        self._devices.update(device)
        return self._change(self._registration.update, device)

    def disconnect(self, device: Device | str) -> Request:
        """Exclude a device, and return the request that disconnects it."""
        own = self._known(device)
        self._local.exclude(own.id)
        return self._change(self._registration.disconnect, own)

    def delete(self, device: Device | str) -> Request:
        """Remove a device, and return the request that removes it from the platform."""
        own = self._known(device)
        self._devices.remove(own.id)
        self._local.delete(own.id)
        return self._change(self._registration.delete, own)

    def _known(self, device: Device | str) -> Device:
        return self._devices.get(device if isinstance(device, str) else device.id)

    def _change(self, change: Change, device: Device) -> Request:
        self._local.refresh()
        session = self.connection.session
        return exchange(lambda: self._registration.change(session, change, device))

    # On the event loop

    def _respond_later(self, task: Task, data: Any, error: str | None) -> None:
        metadata = None if error is None else {'error': error}
        start_in_time(self.response(task, data, metadata), _ignore, None)

    def _report_progress(self, task: Task, data: Any) -> Message:
        if task.device is None:
            raise UnknownDeviceError('')
        request = self.sample(task.device, PROGRESS_STREAM, data, confirm=False)
        try:
            # Handlers run on threads, or on the event loop.
            self._loop.call_soon_threadsafe(start_in_time, request, _ignore, None)
        except RuntimeError:
            return Message(503, 'the client was stopped')
        return OK

    def _report(self, what: str, notify: Notify | None) -> None:
        _log.info('%s %s', what, self.settings.shown_url)
        if notify is not None:
            self.call('a callback', notify)


async def _awaited(what: str, function: Callable[[], object]) -> None:
    try:
        result: Any = function()
        await result
    except asyncio.CancelledError:
        _log.warning('%s was cancelled', what)
    except BaseException as error:
        report_exception(what, error)


def _checked_name(name: str) -> str:
    try:
        name.encode()
        is_valid = len(name) <= _MAX_NAME
    except UnicodeEncodeError:
        is_valid = False
    if not is_valid:
        found = shortened(name)
        raise ConfigurationError(f'name: expected at most {_MAX_NAME} characters, got {found}')
    return name


def _ignore(_: Message) -> None:
    pass
