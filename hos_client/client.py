"""The client: makes a program the devices that it adds."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from hos_device_layer.core.errors import ValueMismatchError
from hos_device_layer.core.rosbridge.frames import CallService, FrameError, ServiceResponse

from . import wire
from .backoff import Backoff
from .connection import GatewayConnection
from .device import Device
from .errors import ClientError, TaskError, UnknownDeviceError
from .gateway_session import Line
from .handlers import CommandHandlers, Handler, error_text
from .inbox import Inbox
from .message import JSON, TEXT, Message, Task
from .outbox import Outbox
from .pools import DeviceManagerInterface
from .registration import OK, Registration
from .settings import CONFIGURATION_FILE, Settings, load_settings

_log = logging.getLogger(__name__)

TIMEOUT_S = 10.0
PROGRESS_STREAM = 'progress'

TIMED_OUT = Message(408, 'no answer in time')
_ANSWERED = Message(409, 'this task has been answered already')
_DROPPED = Message(507, 'too many results wait; this one was dropped')

# Tasks that the program has not answered; the oldest are given up, they have timed out by then.
_MAX_OPEN_TASKS = 20_000

# Handlers that are no coroutines and may run at the same time.
_WORKERS = 16

_Function = TypeVar('_Function', bound=Callable[..., Any])
Callback = Callable[[Message], object]


class Client:
    """
    Connects devices to the platform and brings their commands.

    Without `url` the settings come from the environment and from `configuration`. It runs from
    `start` to `stop`, or inside `with`, and reconnects by itself. `on_connect` and
    `on_disconnect` are called without arguments. With many answers that nobody waits for,
    `confirm_interval_s` saves work: so long [s] lies between two questions whether they arrived.

    Requests take `timeout` [s], `callback` and `block`: they return a Message that is true if
    the platform took the request, or with `block=False` a future of it. A callback gets it as
    its first argument. What a request changes on this side is changed in any case.
    """

    def __init__(
        self,
        devices: DeviceManagerInterface,
        url: str | None = None,
        token: str | None = None,
        *,
        ca_file: str | None = None,
        configuration: str | Path = CONFIGURATION_FILE,
        name: str | None = None,
        on_connect: Callable[[], object] | None = None,
        on_disconnect: Callable[[], object] | None = None,
        ping_interval_s: float = 5.0,
        backoff: Backoff | None = None,
        confirm_interval_s: float = 0.0,
    ) -> None:
        settings = load_settings(configuration) if url is None else Settings(url=url)
        if token is not None:
            settings = replace(settings, token=token)
        if ca_file is not None:
            settings = replace(settings, ca_file=ca_file)
        self.settings = settings
        self._devices = devices
        self._on_connect = on_connect
        self._on_disconnect = on_disconnect
        self._handlers = CommandHandlers()
        self._inbox = Inbox()
        self._receiver: Callable[[Task], bool] = self._inbox.put
        self._is_receiving = False
        self._open_tasks: OrderedDict[tuple[int, int], Task] = OrderedDict()
        self._lock = threading.Lock()
        self._workers = ThreadPoolExecutor(_WORKERS, 'hos_client_handler')
        self._registration = Registration(devices, name or socket.gethostname(), ping_interval_s)
        self._running: set[asyncio.Task[None]] = set()
        self._connection = GatewayConnection(
            settings,
            Outbox(),
            self._take_command,
            self._registration.greet,
            self._registration.attend,
            self._report_up,
            self._report_down,
            backoff,
            confirm_interval_s,
        )

    # Running

    def start(self) -> None:
        """Begin to connect; returns at once."""
        self._connection.start()

    def stop(self) -> None:
        """Close the connection; what was not delivered is given up."""
        self._connection.stop()
        self._workers.shutdown(wait=False, cancel_futures=True)

    def __enter__(self) -> Client:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def is_connected(self) -> bool:
        """Whether the gateway can be reached at present and knows the devices."""
        return self._connection.is_up

    def wait_until_connected(self, timeout: float | None = TIMEOUT_S) -> bool:
        """Wait for the connection; returns whether it is there."""
        future = self._connection.submit(self._connection.line)
        try:
            future.result(timeout)
        except (FutureTimeoutError, CancelledError):
            future.cancel()
            return False
        return True

    # Commands

    def receive(self, timeout: float | None = None) -> Message:
        """Return the next task, waiting for it; after `timeout` [s] a message of status 408."""
        self._is_receiving = True
        future = self._inbox.take()
        try:
            return future.result(timeout)
        except FutureTimeoutError:
            # Cancelling fails where a task has just arrived.
            return TIMED_OUT if future.cancel() else future.result()
        except KeyboardInterrupt:
            future.cancel()
            raise

    async def __aiter__(self) -> AsyncIterator[Task]:
        self._is_receiving = True
        while True:
            yield await asyncio.wrap_future(self._inbox.take())

    def receive_with(self, receiver: Callable[[Task], bool]) -> None:
        """
        Give tasks to a function, not to `receive`; what it returns says whether it has room.

        It is called on the connection's thread, on which nothing may block.
        """
        self._is_receiving = True
        self._receiver = receiver

    def command(self, function_name: str) -> Callable[[_Function], _Function]:
        """
        Let the decorated function carry out a command, plain (on a thread) or `async`.

        It gets the arguments by name and, if it has a parameter of this name, the `task`. What it
        returns is the result; an exception is the failure, with its text.
        """

        def decorate(function: _Function) -> _Function:
            self._handlers.add(function_name, function)
            return function

        return decorate

    def response(
        self,
        task: Message,
        data: Any = None,
        metadata: dict[str, Any] | None = None,
        timeout: float | None = TIMEOUT_S,
        callback: Callback | None = None,
        block: bool = True,
    ) -> Any:
        """
        Send the result of a task: a mapping by name, values in order, or a device's own text.

        `metadata={'error': 'door open'}` makes it a failure. A result that cannot be delivered in
        time is kept, and delivered when the connection is back.
        """
        if not isinstance(task, Task):
            raise TaskError(f'{task!r} is no task: receive() returned it after its timeout')
        error = (metadata or {}).get('error')
        text = wire.result_text(task.uid, task.cmd_id, error, data)
        with self._lock:
            if self._open_tasks.pop((task.uid, task.cmd_id), None) is not task:
                return self._finished(_ANSWERED, callback, block)
        if timeout is None and callback is None and not block:
            return self._post(text)
        return self._request(lambda: self._deliver(text), timeout, callback, block)

    def event(
        self,
        device: Device | str,
        service: str,
        data: Any,
        metadata: dict[str, Any] | None = None,  # noqa: ARG002 (promised; samples carry none)
        timeout: float | None = TIMEOUT_S,
        callback: Callback | None = None,
        block: bool = True,
    ) -> Any:
        """Send a sample of the stream `service`: a mapping by name, or values in order."""
        own = self._devices.get(device if isinstance(device, str) else device.id)
        if own.uid is None:
            return self._finished(Message(422, f'{own.id} has no uid'), callback, block)
        text = wire.sample_text(own.uid, service, data)

        async def send(line: Line) -> Message:
            await line.send_text(text)
            if block:
                await line.confirm()
            return OK

        return self._request(lambda: self._on_line(send), timeout, callback, block)

    # Devices

    def add(
        self,
        device: Device,
        timeout: float | None = TIMEOUT_S,
        callback: Callback | None = None,
        block: bool = True,
    ) -> Any:
        """Add a device here and connect it."""
        self._devices.add(device)
        self._registration.refresh()
        return self._request_line(self._registration.add, device, timeout, callback, block)

    def update(
        self,
        device: Device,
        timeout: float | None = TIMEOUT_S,
        callback: Callback | None = None,
        block: bool = True,
    ) -> Any:
        """Change a device here and tell its new name and tags."""
        self._devices.update(device)
        self._registration.refresh()
        return self._request_line(self._registration.update, device, timeout, callback, block)

    def disconnect(
        self,
        device: Device | str,
        timeout: float | None = TIMEOUT_S,
        callback: Callback | None = None,
        block: bool = True,
    ) -> Any:
        """Disconnect a device until it is added again; it stays known, here and there."""
        own = self._devices.get(device if isinstance(device, str) else device.id)
        self._registration.keep_away(own.id)
        return self._request_line(self._registration.leave, own, timeout, callback, block)

    def delete(
        self,
        device: Device | str,
        timeout: float | None = TIMEOUT_S,
        callback: Callback | None = None,
        block: bool = True,
    ) -> Any:
        """Remove a device, here and there."""
        own = self._devices.get(device if isinstance(device, str) else device.id)
        self._devices.remove(own.id)
        self._registration.refresh()
        return self._request_line(self._registration.delete, own, timeout, callback, block)

    # Requests

    def _request_line(
        self,
        work: Callable[[Line, Device], Awaitable[Message]],
        device: Device,
        timeout: float | None,
        callback: Callback | None,
        block: bool,
    ) -> Any:
        async def use(line: Line) -> Message:
            return await work(line, device)

        return self._request(lambda: self._on_line(use), timeout, callback, block)

    async def _on_line(self, work: Callable[[Line], Awaitable[Message]]) -> Message:
        return await work(await self._connection.line())

    async def _deliver(self, text: str) -> Message:
        # Shielded: a caller that waits no longer does not take the result back.
        delivered = await asyncio.shield(asyncio.wrap_future(self._connection.post(text)))
        return OK if delivered else _DROPPED

    def _post(self, text: str) -> Future[Message]:
        # Without a time limit no coroutine is needed, which costs more than all the rest.
        answer: Future[Message] = Future()

        def tell(delivered: Future[bool]) -> None:
            if answer.set_running_or_notify_cancel():
                answer.set_result(OK if delivered.result() else _DROPPED)

        self._connection.call(lambda: self._connection.post(text).add_done_callback(tell))
        return answer

    def _request(
        self,
        work: Callable[[], Awaitable[Message]],
        timeout: float | None,
        callback: Callback | None,
        block: bool,
    ) -> Any:
        if block and self._connection.is_own_thread:
            raise ClientError('a coroutine must not block here: use block=False')
        future = self._connection.submit(lambda: _in_time(work(), timeout))
        if callback is not None:
            future.add_done_callback(lambda done: self._call_back(callback, done))
        return future.result() if block else future

    def _finished(self, message: Message, callback: Callback | None, block: bool) -> Any:
        future: Future[Message] = Future()
        future.set_result(message)
        if callback is not None:
            self._call_back(callback, future)
        return message if block else future

    def _call_back(self, callback: Callback, done: Future[Message]) -> None:
        if not done.cancelled():
            self._run_aside(lambda: callback(done.result()))

    def _run_aside(self, function: Callable[[], object]) -> None:
        """Run the program's own code on a worker; what it raises is logged."""

        def run() -> None:
            try:
                function()
            except Exception:
                _log.exception('a callback raised')

        try:
            self._workers.submit(run)
        except RuntimeError:
            _log.debug('a callback came after the end of the client')

    # On the connection's thread

    def _report_up(self) -> None:
        _log.info('connected to %s', self.settings.url)
        if self._on_connect is not None:
            self._run_aside(self._on_connect)

    def _report_down(self) -> None:
        _log.info('disconnected from %s', self.settings.url)
        if self._on_disconnect is not None:
            self._run_aside(self._on_disconnect)

    def _take_command(self, frame: CallService) -> ServiceResponse:
        try:
            error = self._accept(wire.read_command(frame))
        except (FrameError, ValueMismatchError) as broken:
            error = str(broken)
        return wire.answer_frame(frame, error)

    def _accept(self, command: wire.ReceivedCommand) -> str | None:
        """Start a command; returns why it cannot be started, or None."""
        device = self._registration.device(command.uid)
        if device is None:
            return f'this program has no device with uid {command.uid}'
        task = self._task(device, command)
        handler = self._handlers.get(command.function_name)
        if handler is None and self._handlers and not self._is_receiving:
            known = ', '.join(self._handlers.names())
            return f'{device.id} does not handle {command.function_name!r}; it handles: {known}'
        with self._lock:
            self._open_tasks[task.uid, task.cmd_id] = task
            if len(self._open_tasks) > _MAX_OPEN_TASKS:
                self._open_tasks.popitem(last=False)
        if handler is not None:
            running = asyncio.get_running_loop().create_task(self._handle(handler, task))
            self._running.add(running)
            running.add_done_callback(self._running.discard)
        elif not self._receiver(task):
            return f'{device.id} is busy: too many commands wait for its program'
        return None

    def _task(self, device: Device, command: wire.ReceivedCommand) -> Task:
        metadata = {'uid': command.uid, 'cmd_id': command.cmd_id}
        return Task(
            200,
            {
                'device_id': device.id,
                'function_name': command.function_name,
                'protocol_parts': {'metadata': metadata, 'data': command.data},
            },
            TEXT if isinstance(command.data, str) else JSON,
            device=device,
            uid=command.uid,
            cmd_id=command.cmd_id,
            function_name=command.function_name,
            report_progress=self._report_progress,
        )

    async def _handle(self, handler: Handler, task: Task) -> None:
        try:
            if handler.is_async:
                data = await handler.start(task)
            else:
                loop = asyncio.get_running_loop()
                data = await loop.run_in_executor(self._workers, handler.start, task)
            self.response(task, data, block=False)
        except Exception as error:
            # Whatever a handler raises is the task's failure, for the caller to see.
            _log.warning('%s of %s failed', task.function_name, task.device, exc_info=True)
            self.response(task, metadata={'error': error_text(error)}, block=False)

    def _report_progress(self, task: Task, data: Any) -> Message:
        if task.device is None:
            raise UnknownDeviceError('')
        self.event(task.device, PROGRESS_STREAM, data, block=False)
        return OK


async def _in_time(work: Awaitable[Message], timeout: float | None) -> Message:
    try:
        return await asyncio.wait_for(work, timeout)
    except (asyncio.TimeoutError, asyncio.CancelledError):
        return TIMED_OUT
    except OSError as error:
        return Message(503, str(error))
