"""The asynchronous client: connects the devices of a program to the platform."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from .backoff import Backoff
from .client_core import ClientCore, ClientOptions, Notify
from .command_receiver import Receive
from .concurrency import within
from .device import Device
from .errors import ClientError
from .inbox import MAX_TASKS
from .message import Message, Task
from .pools import DeviceManagerInterface
from .requests import outcome_of
from .settings import CONFIGURATION_FILE, Settings, client_settings

TIMEOUT_S = 10.0

_Function = TypeVar('_Function', bound=Callable[..., Any])


class AsyncClient:
    """
    Connects devices to the platform and receives their commands, on the running event loop.

    Without `url` the settings come from the environment and from the file `configuration`. The
    client runs inside `async with` and reconnects by itself. `on_connect` and `on_disconnect` are
    called without arguments; they, and the handlers of commands, are coroutine functions or plain
    ones, which run on threads. `confirm_interval_s` is the least time [s] between two checks
    whether results have arrived; a larger one saves work where many results are sent and nobody
    waits for them.

    Every request takes a `timeout` [s] and returns a Message, which is true if the platform
    accepted it. Local changes are made whether or not the request succeeds.
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
        on_connect: Notify | None = None,
        on_disconnect: Notify | None = None,
        ping_interval_s: float = 5.0,
        backoff: Backoff | None = None,
        confirm_interval_s: float = 0.0,
    ) -> None:
        settings = client_settings(url, token, ca_file, configuration)
        options = ClientOptions(
            name, on_connect, on_disconnect, ping_interval_s, backoff, confirm_interval_s
        )
        # None when the client has stopped.
        self._tasks: asyncio.Queue[Task | None] = asyncio.Queue()
        self._is_stopped = False
        self._core = ClientCore(devices, settings, options, self._put_task)
        self._running: asyncio.Task[None] | None = None

    @property
    def settings(self) -> Settings:
        """The settings in use."""
        return self._core.settings

    # Running

    async def start(self) -> None:
        """Start to connect; returns at once. Raises ClientError if it was started before."""
        if self._running is not None:
            raise ClientError('the client has been started before; create another one')
        self._running = asyncio.create_task(self._core.run())

    async def stop(self) -> None:
        """
        Close the connection.

        Tasks without a response fail; results that cannot be delivered within 2 s are dropped.
        """
        if self._running is not None:
            self._core.stop()
            self._is_stopped = True
            self._tasks.put_nowait(None)
            await asyncio.wait({self._running})

    async def __aenter__(self) -> AsyncClient:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    @property
    def is_connected(self) -> bool:
        """Whether the gateway is connected and knows the devices."""
        return self._core.connection.is_up

    async def wait_until_connected(self, timeout: float | None = TIMEOUT_S) -> bool:
        """
        Wait up to `timeout` [s] for the connection; returns whether it is up.

        Raises AuthenticationError if the gateway does not accept the token.
        """
        try:
            await within(timeout, self._core.connection.wait_until_up())
        except TimeoutError:
            return False
        return True

    # Commands

    async def receive(self) -> Task:
        """Wait for the next task and return it; raises ClientError after the stop."""
        self._core.receiver.is_receiving = True
        task = None if self._is_stopped else await self._tasks.get()
        if task is None:
            # For the next one who waits.
            self._tasks.put_nowait(None)
            raise ClientError('the client was stopped')
        return task

    async def __aiter__(self) -> AsyncIterator[Task]:
        with contextlib.suppress(ClientError):
            while True:
                yield await self.receive()

    def receive_with(self, receiver: Receive) -> None:
        """
        Pass tasks to a function instead of `receive`; it returns False if it has no room.

        It is called on the event loop and must not block.
        """
        self._core.receiver.receive_with(receiver)

    def command(self, function_name: str) -> Callable[[_Function], _Function]:
        """
        Make the decorated function, plain (on a thread) or `async`, the handler of a command.

        It gets the arguments by name and, if it has a parameter `task`, the task. Its return
        value is the result; an exception fails the task, and the caller gets its text.
        """
        return self._core.receiver.handlers.decorator(function_name)

    async def response(
        self,
        task: Message,
        data: Any = None,
        metadata: dict[str, Any] | None = None,
        timeout: float | None = TIMEOUT_S,
    ) -> Message:
        """
        Send the result of a task: a mapping by name, values in order, or a device's own text.

        `metadata={'error': 'door open'}` fails the task. A result that cannot be delivered in
        time is kept and delivered after the next connect.
        """
        return await outcome_of(self._core.response(task, data, metadata), timeout)

    async def event(
        self,
        device: Device | str,
        service: str,
        data: Any,
        *,
        confirm: bool = False,
        timeout: float | None = TIMEOUT_S,
    ) -> Message:
        """
        Send a sample of the stream `service`: a mapping by name, or values in order.

        The message says whether the device manager accepted it. A sample that cannot be sent in
        time is dropped; with `confirm` it is kept until it has arrived, as a result is.
        """
        return await outcome_of(self._core.sample(device, service, data, confirm), timeout)

    # Devices

    async def add(self, device: Device, timeout: float | None = TIMEOUT_S) -> Message:
        """Add a device locally and connect it."""
        return await outcome_of(self._core.add(device), timeout)

    async def update(self, device: Device, timeout: float | None = TIMEOUT_S) -> Message:
        """Change a device locally and send its new name and tags."""
        return await outcome_of(self._core.update(device), timeout)

    async def disconnect(self, device: Device | str, timeout: float | None = TIMEOUT_S) -> Message:
        """Disconnect a device until it is added again; it stays known, locally and remotely."""
        return await outcome_of(self._core.disconnect(device), timeout)

    async def delete(self, device: Device | str, timeout: float | None = TIMEOUT_S) -> Message:
        """Remove a device, locally and from the platform."""
        return await outcome_of(self._core.delete(device), timeout)

    def _put_task(self, task: Task) -> bool:
        if self._tasks.qsize() >= MAX_TASKS:
            return False
        self._tasks.put_nowait(task)
        return True
