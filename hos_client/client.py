"""The client: connects the devices of a program to the platform."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from . import wire
from .backoff import Backoff
from .command_receiver import CommandReceiver
from .connection import GatewayConnection
from .device import Device
from .errors import TaskError, UnknownDeviceError
from .gateway_session import GatewaySession
from .message import Message, Task
from .outbox import Outbox
from .pools import DeviceManagerInterface
from .registration import OK, Registration
from .requests import TIMED_OUT, Callback, ProgramThreads, RequestOptions, Requests
from .settings import CONFIGURATION_FILE, Settings, load_settings

_log = logging.getLogger(__name__)

TIMEOUT_S = 10.0
PROGRESS_STREAM = 'progress'

_ANSWERED = Message(409, 'this task already has a response')

_Function = TypeVar('_Function', bound=Callable[..., Any])


class Client:
    """
    Connects devices to the platform and receives their commands.

    Without `url` the settings come from the environment and from the file `configuration`. The
    client runs from `start` to `stop`, or inside `with`, and reconnects by itself. `on_connect`
    and `on_disconnect` are called without arguments. `confirm_interval_s` is the least time [s]
    between two checks whether results have arrived; a larger one saves work where many results
    are sent and nobody waits for them.

    Every request takes `timeout` [s], `callback` and `block`. It returns a Message, which is true
    if the platform accepted the request, or with `block=False` a future of it. A callback gets
    the message as its first argument. Local changes are made whether or not the request succeeds.
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
        self.settings = _settings(url, token, ca_file, configuration)
        self._devices = devices
        self._on_connect = on_connect
        self._on_disconnect = on_disconnect
        self._threads = ProgramThreads()
        self._registration = Registration(devices, name or socket.gethostname(), ping_interval_s)
        self._receiver = CommandReceiver(
            self._registration.device,
            self._threads.executor,
            self._respond_later,
            self._report_progress,
        )
        self._connection = GatewayConnection(
            self.settings,
            Outbox(),
            self._receiver.receive,
            self._registration.synchronize,
            self._registration.send_pings,
            self._report_up,
            self._report_down,
            backoff,
            confirm_interval_s,
        )
        self._requests = Requests(self._connection, self._threads)

    # Running

    def start(self) -> None:
        """Start to connect; returns at once."""
        self._connection.start()

    def stop(self) -> None:
        """Close the connection; results that are not delivered yet are dropped."""
        self._connection.stop()
        self._threads.stop()

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
        """Whether the gateway is connected and knows the devices."""
        return self._connection.is_up

    def wait_until_connected(self, timeout: float | None = TIMEOUT_S) -> bool:
        """Wait up to `timeout` [s] for the connection; returns whether it is up."""
        future = self._connection.submit(self._connection.session)
        try:
            future.result(timeout)
        except (FutureTimeoutError, CancelledError):
            future.cancel()
            return False
        return True

    # Commands

    def receive(self, timeout: float | None = None) -> Message:
        """Wait for the next task and return it; after `timeout` [s] a message of status 408."""
        future = self._receiver.next_task()
        try:
            return future.result(timeout)
        except FutureTimeoutError:
            # Cancelling fails if a task has just arrived.
            return TIMED_OUT if future.cancel() else future.result()
        except KeyboardInterrupt:
            future.cancel()
            raise

    async def __aiter__(self) -> AsyncIterator[Task]:
        while True:
            yield await asyncio.wrap_future(self._receiver.next_task())

    def receive_with(self, receiver: Callable[[Task], bool]) -> None:
        """
        Pass tasks to a function instead of `receive`; it returns False if it has no room.

        It is called on the connection's thread and must not block.
        """
        self._receiver.receive_with(receiver)

    def command(self, function_name: str) -> Callable[[_Function], _Function]:
        """
        Make the decorated function, plain (on a thread) or `async`, the handler of a command.

        It gets the arguments by name and, if it has a parameter `task`, the task. Its return
        value is the result; an exception fails the task, and the caller gets its text.
        """

        def decorate(function: _Function) -> _Function:
            self._receiver.handlers.add(function_name, function)
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

        `metadata={'error': 'door open'}` fails the task. A result that cannot be delivered in
        time is kept and delivered after the next connect.
        """
        if not isinstance(task, Task):
            raise TaskError(f'expected a task, got {task!r}: receive() returned it on a timeout')
        error = (metadata or {}).get('error')
        text = wire.result_text(task.uid, task.cmd_id, error, data)
        options = RequestOptions(timeout, callback, block)
        if not self._receiver.close_task(task):
            return self._requests.finished(_ANSWERED, options)
        return self._requests.deliver(text, options)

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
        own = self._known(device)
        options = RequestOptions(timeout, callback, block)
        if own.uid is None:
            return self._requests.finished(Message(422, f'{own.id} has no uid'), options)
        text = wire.sample_text(own.uid, service, data)

        async def send(session: GatewaySession) -> Message:
            await session.send_text(text)
            if block:
                await session.confirm()
            return OK

        return self._requests.run(send, options)

    # Devices

    def add(
        self,
        device: Device,
        timeout: float | None = TIMEOUT_S,
        callback: Callback | None = None,
        block: bool = True,
    ) -> Any:
        """Add a device locally and connect it."""
        self._devices.add(device)
        options = RequestOptions(timeout, callback, block)
        return self._change(self._registration.add, device, options)

    def update(
        self,
        device: Device,
        timeout: float | None = TIMEOUT_S,
        callback: Callback | None = None,
        block: bool = True,
    ) -> Any:
        """Change a device locally and send its new name and tags."""
        self._devices.update(device)
        options = RequestOptions(timeout, callback, block)
        return self._change(self._registration.update, device, options)

    def disconnect(
        self,
        device: Device | str,
        timeout: float | None = TIMEOUT_S,
        callback: Callback | None = None,
        block: bool = True,
    ) -> Any:
        """Disconnect a device until it is added again; it stays known, locally and remotely."""
        own = self._known(device)
        self._registration.exclude(own.id)
        options = RequestOptions(timeout, callback, block)
        return self._change(self._registration.disconnect, own, options)

    def delete(
        self,
        device: Device | str,
        timeout: float | None = TIMEOUT_S,
        callback: Callback | None = None,
        block: bool = True,
    ) -> Any:
        """Remove a device, locally and from the platform."""
        own = self._known(device)
        self._devices.remove(own.id)
        options = RequestOptions(timeout, callback, block)
        return self._change(self._registration.delete, own, options)

    def _known(self, device: Device | str) -> Device:
        return self._devices.get(device if isinstance(device, str) else device.id)

    def _change(
        self,
        send_change: Callable[[GatewaySession, Device], Awaitable[Message]],
        device: Device,
        options: RequestOptions,
    ) -> Any:
        """Send a change of the local devices, which has been made already, to the platform."""
        self._registration.refresh()
        return self._requests.run(lambda session: send_change(session, device), options)

    # On the connection's thread

    def _report_up(self) -> None:
        _log.info('connected to %s', self.settings.url)
        if self._on_connect is not None:
            self._threads.run(self._on_connect)

    def _report_down(self) -> None:
        _log.info('disconnected from %s', self.settings.url)
        if self._on_disconnect is not None:
            self._threads.run(self._on_disconnect)

    def _respond_later(self, task: Task, data: Any, error: str | None) -> None:
        metadata = None if error is None else {'error': error}
        self.response(task, data, metadata, block=False)

    def _report_progress(self, task: Task, data: Any) -> Message:
        if task.device is None:
            raise UnknownDeviceError('')
        self.event(task.device, PROGRESS_STREAM, data, block=False)
        return OK


def _settings(
    url: str | None, token: str | None, ca_file: str | None, configuration: str | Path
) -> Settings:
    settings = load_settings(configuration) if url is None else Settings(url=url)
    if token is not None:
        settings = replace(settings, token=token)
    return settings if ca_file is None else replace(settings, ca_file=ca_file)
