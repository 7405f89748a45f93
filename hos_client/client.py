"""The client for programs without asyncio: every request blocks or returns a future."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, TypeVar, overload

from .backoff import Backoff
from .client_core import ClientCore, ClientOptions, Notify
from .command_receiver import Receive
from .device import Device
from .errors import ClientError
from .event_loop_thread import EventLoopThread
from .inbox import Inbox
from .message import Message, Task
from .pools import DeviceManagerInterface
from .requests import TIMED_OUT, Request, start_in_time
from .settings import CONFIGURATION_FILE, Settings, client_settings

TIMEOUT_S = 10.0

# How long `stop` waits for the end of the connection [s].
_STOP_S = 10.0

Callback = Callable[[Message], object]

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
        self._inbox = Inbox()
        self._core = ClientCore(devices, settings, options, self._inbox.put)
        self._loop = EventLoopThread('hos_client')

    @property
    def settings(self) -> Settings:
        """The settings in use."""
        return self._core.settings

    # Running

    def start(self) -> None:
        """Start to connect; returns at once. Raises ClientError if it was started before."""
        self._loop.start(self._core.run)

    def stop(self) -> None:
        """Close the connection; tasks without a response fail, results are sent for up to 2 s."""
        with contextlib.suppress(ClientError):
            self._loop.call(self._core.stop)
        self._inbox.close()
        self._loop.join(_STOP_S)

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
        return self._core.connection.is_up

    def wait_until_connected(self, timeout: float | None = TIMEOUT_S) -> bool:
        """
        Wait up to `timeout` [s] for the connection; returns whether it is up.

        Raises AuthenticationError if the gateway does not accept the token.
        """
        self._must_not_block()
        future = self._loop.submit(self._core.connection.wait_until_up)
        try:
            future.result(timeout)
        except (FutureTimeoutError, CancelledError):
            future.cancel()
            return False
        return True

    # Commands

    def receive(self, timeout: float | None = None) -> Message:
        """Return the next task, or a message: 408 after `timeout` [s], 503 after the stop."""
        future = self._next_task()
        try:
            return future.result(timeout)
        except FutureTimeoutError:
            # Cancelling fails if a task has just arrived.
            return TIMED_OUT if future.cancel() else future.result()
        except ClientError as error:
            return Message(503, str(error))
        except BaseException:
            # Ctrl-C, or an exception of another signal handler.
            self._inbox.give_back(future)
            raise

    async def __aiter__(self) -> AsyncIterator[Task]:
        while True:
            future = self._next_task()
            try:
                task = await asyncio.wrap_future(future)
            except ClientError:
                return
            except asyncio.CancelledError:
                self._inbox.give_back(future)
                raise
            yield task

    def _next_task(self) -> Future[Task]:
        self._loop.check_started()
        self._core.receiver.is_receiving = True
        return self._inbox.take()

    def receive_with(self, receiver: Receive) -> None:
        """
        Pass tasks to a function instead of `receive`; it returns False if it has no room.

        It is called on the connection's thread and must not block.
        """
        self._core.receiver.receive_with(receiver)

    def command(self, function_name: str) -> Callable[[_Function], _Function]:
        """
        Make the decorated function, plain (on a thread) or `async`, the handler of a command.

        It gets the arguments by name and, if it has a parameter `task`, the task. Its return
        value is the result; an exception fails the task, and the caller gets its text.
        """
        return self._core.receiver.handlers.decorator(function_name)

    @overload
    def response(
        self,
        task: Message,
        data: Any = ...,
        metadata: dict[str, Any] | None = ...,
        timeout: float | None = ...,
        callback: Callback | None = ...,
        block: Literal[True] = ...,
    ) -> Message: ...

    @overload
    def response(
        self,
        task: Message,
        data: Any = ...,
        metadata: dict[str, Any] | None = ...,
        timeout: float | None = ...,
        callback: Callback | None = ...,
        *,
        block: Literal[False],
    ) -> Future[Message]: ...

    def response(
        self,
        task: Message,
        data: Any = None,
        metadata: dict[str, Any] | None = None,
        timeout: float | None = TIMEOUT_S,
        callback: Callback | None = None,
        block: bool = True,
    ) -> Message | Future[Message]:
        """
        Send the result of a task: a mapping by name, values in order, or a device's own text.

        `metadata={'error': 'door open'}` fails the task. A result that cannot be delivered in
        time is kept and delivered after the next connect.
        """
        return self._run(self._core.response(task, data, metadata), timeout, callback, block)

    @overload
    def event(
        self,
        device: Device | str,
        service: str,
        data: Any,
        *,
        confirm: bool = ...,
        timeout: float | None = ...,
        callback: Callback | None = ...,
        block: Literal[True] = ...,
    ) -> Message: ...

    @overload
    def event(
        self,
        device: Device | str,
        service: str,
        data: Any,
        *,
        confirm: bool = ...,
        timeout: float | None = ...,
        callback: Callback | None = ...,
        block: Literal[False],
    ) -> Future[Message]: ...

    def event(
        self,
        device: Device | str,
        service: str,
        data: Any,
        *,
        confirm: bool = False,
        timeout: float | None = TIMEOUT_S,
        callback: Callback | None = None,
        block: bool = True,
    ) -> Message | Future[Message]:
        """
        Send a sample of the stream `service`: a mapping by name, or values in order.

        The message says whether the device manager accepted it. A sample that cannot be sent in
        time is dropped; with `confirm` it is kept until it has arrived, as a result is.
        """
        request = self._core.sample(device, service, data, confirm)
        return self._run(request, timeout, callback, block)

    # Devices

    @overload
    def add(
        self,
        device: Device,
        timeout: float | None = ...,
        callback: Callback | None = ...,
        block: Literal[True] = ...,
    ) -> Message: ...

    @overload
    def add(
        self,
        device: Device,
        timeout: float | None = ...,
        callback: Callback | None = ...,
        *,
        block: Literal[False],
    ) -> Future[Message]: ...

    def add(
        self,
        device: Device,
        timeout: float | None = TIMEOUT_S,
        callback: Callback | None = None,
        block: bool = True,
    ) -> Message | Future[Message]:
        """Add a device locally and connect it."""
        return self._run(self._core.add(device), timeout, callback, block)

    @overload
    def update(
        self,
        device: Device,
        timeout: float | None = ...,
        callback: Callback | None = ...,
        block: Literal[True] = ...,
    ) -> Message: ...

    @overload
    def update(
        self,
        device: Device,
        timeout: float | None = ...,
        callback: Callback | None = ...,
        *,
        block: Literal[False],
    ) -> Future[Message]: ...

    def update(
        self,
        device: Device,
        timeout: float | None = TIMEOUT_S,
        callback: Callback | None = None,
        block: bool = True,
    ) -> Message | Future[Message]:
        """Change a device locally and send its new name and tags."""
        return self._run(self._core.update(device), timeout, callback, block)

    @overload
    def disconnect(
        self,
        device: Device | str,
        timeout: float | None = ...,
        callback: Callback | None = ...,
        block: Literal[True] = ...,
    ) -> Message: ...

    @overload
    def disconnect(
        self,
        device: Device | str,
        timeout: float | None = ...,
        callback: Callback | None = ...,
        *,
        block: Literal[False],
    ) -> Future[Message]: ...

    def disconnect(
        self,
        device: Device | str,
        timeout: float | None = TIMEOUT_S,
        callback: Callback | None = None,
        block: bool = True,
    ) -> Message | Future[Message]:
        """Disconnect a device until it is added again; it stays known, locally and remotely."""
        return self._run(self._core.disconnect(device), timeout, callback, block)

    @overload
    def delete(
        self,
        device: Device | str,
        timeout: float | None = ...,
        callback: Callback | None = ...,
        block: Literal[True] = ...,
    ) -> Message: ...

    @overload
    def delete(
        self,
        device: Device | str,
        timeout: float | None = ...,
        callback: Callback | None = ...,
        *,
        block: Literal[False],
    ) -> Future[Message]: ...

    def delete(
        self,
        device: Device | str,
        timeout: float | None = TIMEOUT_S,
        callback: Callback | None = None,
        block: bool = True,
    ) -> Message | Future[Message]:
        """Remove a device, locally and from the platform."""
        return self._run(self._core.delete(device), timeout, callback, block)

    def _run(
        self, request: Request, timeout: float | None, callback: Callback | None, block: bool
    ) -> Message | Future[Message]:
        if block:
            self._must_not_block()
        future: Future[Message] = Future()

        def set_outcome(outcome: Message) -> None:
            # The caller may have cancelled the future.
            if future.set_running_or_notify_cancel():
                future.set_result(outcome)
                if callback is not None:
                    self._core.call('a callback', callback, outcome)

        self._loop.call(lambda: start_in_time(request, set_outcome, timeout))
        return future.result() if block else future

    def _must_not_block(self) -> None:
        if self._loop.is_current:
            raise ClientError('a request in a coroutine must not block: pass block=False')
