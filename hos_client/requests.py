"""Requests of the program: run on the connection's thread, with timeouts and callbacks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

from .connection import GatewayConnection
from .errors import ClientError
from .gateway_session import GatewaySession
from .message import Message
from .registration import OK

_log = logging.getLogger(__name__)

TIMED_OUT = Message(408, 'no answer within the timeout')
_DROPPED = Message(507, 'the result was dropped: too many results wait for a connection')

# Handlers and callbacks that may run at the same time.
_THREADS = 16

Callback = Callable[[Message], object]


class RequestOptions(NamedTuple):
    """How a caller waits: up to `timeout` [s], with a callback, blocking or with a future."""

    timeout: float | None
    callback: Callback | None
    block: bool


class ProgramThreads:
    """Threads for the program's own code, its handlers and callbacks."""

    def __init__(self) -> None:
        self.executor = ThreadPoolExecutor(_THREADS, 'hos_client_handler')

    def stop(self) -> None:
        """Start no more functions; does not wait for those that are running."""
        self.executor.shutdown(wait=False, cancel_futures=True)

    def run(self, function: Callable[[], object]) -> None:
        """Run a function on one of the threads; an exception is logged, not raised."""

        def guarded() -> None:
            try:
                function()
            except Exception:
                _log.exception('a callback raised an exception')

        try:
            self.executor.submit(guarded)
        except RuntimeError:
            _log.debug('a callback was skipped because the client has stopped')


class Requests:
    """Runs requests on the connection's thread; each ends with a Message."""

    def __init__(self, connection: GatewayConnection, threads: ProgramThreads) -> None:
        self._connection = connection
        self._threads = threads

    def run(
        self, work: Callable[[GatewaySession], Awaitable[Message]], options: RequestOptions
    ) -> Any:
        """Run `work` with the session, waiting for one; returns a Message or a future of it."""

        async def with_session() -> Message:
            return await work(await self._connection.session())

        return self._submit(with_session, options)

    def deliver(self, text: str, options: RequestOptions) -> Any:
        """Put a result into the outbox; ends when the gateway has it."""
        if options == RequestOptions(None, None, False):
            return self._post(text)
        return self._submit(lambda: self._deliver(text), options)

    def finished(self, message: Message, options: RequestOptions) -> Any:
        """Return the outcome of a request that needs no connection."""
        future: Future[Message] = Future()
        future.set_result(message)
        if options.callback is not None:
            self._call_back(options.callback, future)
        return message if options.block else future

    def _submit(self, work: Callable[[], Awaitable[Message]], options: RequestOptions) -> Any:
        timeout, callback, block = options
        if block and self._connection.is_own_thread:
            raise ClientError('a request in a coroutine must not block: pass block=False')
        future = self._connection.submit(lambda: _in_time(work(), timeout))
        if callback is not None:
            future.add_done_callback(lambda done: self._call_back(callback, done))
        return future.result() if block else future

    def _call_back(self, callback: Callback, done: Future[Message]) -> None:
        if not done.cancelled():
            self._threads.run(lambda: callback(done.result()))

    async def _deliver(self, text: str) -> Message:
        # Shielded: the result is delivered even if the caller stops waiting.
        delivered = await asyncio.shield(asyncio.wrap_future(self._connection.post(text)))
        return OK if delivered else _DROPPED

    def _post(self, text: str) -> Future[Message]:
        # Without a timeout no coroutine is needed, which would cost more than all the rest.
        answer: Future[Message] = Future()

        def set_answer(delivered: Future[bool]) -> None:
            if answer.set_running_or_notify_cancel():
                answer.set_result(OK if delivered.result() else _DROPPED)

        self._connection.call(lambda: self._connection.post(text).add_done_callback(set_answer))
        return answer


async def _in_time(work: Awaitable[Message], timeout: float | None) -> Message:
    try:
        return await asyncio.wait_for(work, timeout)
    except (asyncio.TimeoutError, asyncio.CancelledError):
        return TIMED_OUT
    except OSError as error:
        return Message(503, str(error))
