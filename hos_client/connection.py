"""Staying connected: one line after another, with pauses that grow."""

from __future__ import annotations

import asyncio
import logging
import ssl
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus, InvalidURI, WebSocketException
from websockets.uri import parse_uri

from hos_device_layer.core.rosbridge.frames import CallService, ServiceResponse
from hos_device_layer.core.text import shortened

from .backoff import Backoff
from .errors import ClientError, ConfigurationError
from .gateway_session import Line
from .outbox import Outbox
from .settings import Settings

_log = logging.getLogger(__name__)

# How long a handshake may take, how often the line is tried, and how long an answer may take [s].
_OPEN_S = 10.0
_KEEPALIVE_S = 5.0
_KEEPALIVE_ANSWER_S = 5.0
_CLOSE_S = 1.0

_MAX_FRAME_BYTES = 1024 * 1024

_NOT_RUNNING = 'the client is not running; use it as `with Client(…) as client:`'

_T = TypeVar('_T')


class GatewayConnection:
    """
    Keeps a line to the gateway, on a thread of its own.

    `greet` runs on every new line, beside its reading; `on_up` after it, `on_down` when a line
    for which `on_up` was called has ended.
    """

    def __init__(
        self,
        settings: Settings,
        outbox: Outbox,
        on_command: Callable[[CallService], ServiceResponse],
        greet: Callable[[Line], Awaitable[None]],
        attend: Callable[[Line], Awaitable[None]],
        on_up: Callable[[], None],
        on_down: Callable[[], None],
        backoff: Backoff | None = None,
        confirm_interval_s: float = 0.0,
    ) -> None:
        self._confirm_interval_s = confirm_interval_s
        self._settings = settings
        self._outbox = outbox
        self._on_command = on_command
        self._greet = greet
        self._attend = attend
        self._on_up = on_up
        self._on_down = on_down
        self._backoff = backoff or Backoff()
        self._loop: asyncio.AbstractEventLoop
        self._thread = threading.Thread(target=self._run, name='hos_client', daemon=True)
        self._line: Line | None = None
        self._changed = asyncio.Condition()
        self._stopping = asyncio.Event()
        self._ssl = _ssl_context(settings)

    def start(self) -> None:
        """Begin to connect; returns at once."""
        self._loop = asyncio.new_event_loop()
        self._thread.start()

    def stop(self) -> None:
        """Close the line and end the thread."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(_OPEN_S)

    @property
    def is_up(self) -> bool:
        """Whether there is a line that has been greeted."""
        return self._line is not None

    def submit(self, work: Callable[[], Coroutine[Any, Any, _T]]) -> Future[_T]:
        """Run a coroutine function on the connection's thread."""
        if not self._thread.is_alive():
            raise ClientError(_NOT_RUNNING)
        return asyncio.run_coroutine_threadsafe(work(), self._loop)

    def call(self, work: Callable[[], object]) -> None:
        """Run a function on the connection's thread."""
        try:
            self._loop.call_soon_threadsafe(work)
        except (AttributeError, RuntimeError):
            raise ClientError(_NOT_RUNNING) from None

    @property
    def is_own_thread(self) -> bool:
        """Whether this is the connection's thread, on which nothing may block."""
        return threading.current_thread() is self._thread

    async def line(self) -> Line:
        """Return the line, as soon as there is one."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._line is not None)
        assert self._line is not None
        return self._line

    def post(self, text: str) -> Future[bool]:
        """Put a result into the outbox; on the connection's thread."""
        future = self._outbox.put(text)
        if self._line is not None:
            self._line.wake()
        return future

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
            left = asyncio.all_tasks(self._loop)
            for task in left:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        stopped = asyncio.create_task(self._stopping.wait())
        while not stopped.done():
            session = asyncio.create_task(self._session())
            await asyncio.wait({session, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not session.done():
                session.cancel()
            await asyncio.wait({session})
            if not stopped.done():
                wait = self._backoff.next()
                _log.info('trying again in %.1f s', wait)
                await asyncio.wait({stopped}, timeout=wait)

    async def _session(self) -> None:
        started = self._loop.time()
        headers = {}
        if self._settings.token:
            headers['Authorization'] = f'Bearer {self._settings.token}'
        try:
            async with connect(
                self._settings.url,
                additional_headers=headers,
                ssl=self._ssl,
                compression=None,
                open_timeout=_OPEN_S,
                ping_interval=_KEEPALIVE_S,
                ping_timeout=_KEEPALIVE_ANSWER_S,
                close_timeout=_CLOSE_S,
                max_size=_MAX_FRAME_BYTES,
            ) as socket:
                await self._use(Line(socket, self._on_command))
                code, reason = socket.close_code, socket.close_reason
                _log.warning('the gateway has closed the line: %s %s', code, reason)
        except InvalidStatus as error:
            _log.error('%s', _why_refused(error))
        except (OSError, TimeoutError, asyncio.TimeoutError, WebSocketException) as error:
            _log.warning('no connection to %s: %s', self._settings.url, error or 'timed out')
        self._backoff.session_lasted(self._loop.time() - started)

    async def _use(self, line: Line) -> None:
        tasks = {
            asyncio.ensure_future(work)
            for work in (
                line.read(),
                self._greet_and_attend(line),
                line.deliver(self._outbox),
                line.confirm_deliveries(self._outbox, self._confirm_interval_s),
            )
        }
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            line.end()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self._line is line:
                await self._set_line(None)
                self._on_down()

    async def _greet_and_attend(self, line: Line) -> None:
        await self._greet(line)
        await self._set_line(line)
        # A command may have come, and its result been posted, while the line was being greeted.
        line.wake()
        self._on_up()
        await self._attend(line)

    async def _set_line(self, line: Line | None) -> None:
        async with self._changed:
            self._line = line
            self._changed.notify_all()


def _ssl_context(settings: Settings) -> ssl.SSLContext | None:
    try:
        is_secure = parse_uri(settings.url).secure
        return ssl.create_default_context(cafile=settings.ca_file or None) if is_secure else None
    except InvalidURI as error:
        raise ConfigurationError(f'{error}; write ws://host:9091 or wss://host:9091') from None
    except OSError as error:
        raise ConfigurationError(f'ca_file {settings.ca_file!r} cannot be used: {error}') from None


def _why_refused(error: InvalidStatus) -> str:
    status = error.response.status_code
    reason = (error.response.body or b'').decode(errors='replace').strip()
    return f'the gateway refused the connection with {status}: {shortened(reason, 300)}'
