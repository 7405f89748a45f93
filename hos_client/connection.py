"""The connection to the gateway: one session after another, with a backoff between them."""

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
from .gateway_session import GatewaySession
from .outbox import Outbox
from .settings import Settings

_log = logging.getLogger(__name__)

# Limit of a handshake, interval of WebSocket pings, and limits of their answer and of closing [s].
_OPEN_S = 10.0
_KEEPALIVE_S = 5.0
_KEEPALIVE_ANSWER_S = 5.0
_CLOSE_S = 1.0

_MAX_FRAME_BYTES = 1024 * 1024

_NOT_RUNNING = 'the client is not running: call start(), or use `with Client(…) as client:`'

_T = TypeVar('_T')


class GatewayConnection:
    """
    Keeps a session with the gateway, on a thread of its own.

    `synchronize` runs on every new session while frames are received, then `on_up`, then
    `keep_alive` until the session ends; `on_down` when a session that was up has ended.
    """

    def __init__(
        self,
        settings: Settings,
        outbox: Outbox,
        on_command: Callable[[CallService], ServiceResponse],
        synchronize: Callable[[GatewaySession], Awaitable[None]],
        keep_alive: Callable[[GatewaySession], Awaitable[None]],
        on_up: Callable[[], None],
        on_down: Callable[[], None],
        backoff: Backoff | None = None,
        confirm_interval_s: float = 0.0,
    ) -> None:
        self._confirm_interval_s = confirm_interval_s
        self._settings = settings
        self._outbox = outbox
        self._on_command = on_command
        self._synchronize = synchronize
        self._keep_alive = keep_alive
        self._on_up = on_up
        self._on_down = on_down
        self._backoff = backoff or Backoff()
        self._loop: asyncio.AbstractEventLoop
        self._thread = threading.Thread(target=self._run, name='hos_client', daemon=True)
        self._session: GatewaySession | None = None
        self._changed = asyncio.Condition()
        self._stopping = asyncio.Event()
        self._ssl = _ssl_context(settings)

    def start(self) -> None:
        """Start to connect; returns at once."""
        self._loop = asyncio.new_event_loop()
        self._thread.start()

    def stop(self) -> None:
        """Close the session and end the thread."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(_OPEN_S)

    @property
    def is_up(self) -> bool:
        """Whether there is a session and it has been synchronized."""
        return self._session is not None

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
        """Whether the caller is on the connection's thread, which must not block."""
        return threading.current_thread() is self._thread

    async def session(self) -> GatewaySession:
        """Wait for a session that is up and return it."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._session is not None)
        assert self._session is not None
        return self._session

    def post(self, text: str) -> Future[bool]:
        """Add a result to the outbox; call it on the connection's thread."""
        future = self._outbox.put(text)
        if self._session is not None:
            self._session.notify_results()
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
            running = asyncio.create_task(self._run_session())
            await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not running.done():
                running.cancel()
            await asyncio.wait({running})
            if not stopped.done():
                wait = self._backoff.next()
                _log.info('connecting again in %.1f s', wait)
                await asyncio.wait({stopped}, timeout=wait)

    async def _run_session(self) -> None:
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
                await self._use(GatewaySession(socket, self._on_command))
                code, reason = socket.close_code, socket.close_reason
                _log.warning('the gateway closed the connection: %s %s', code, reason)
        except InvalidStatus as error:
            _log.error('%s', _refusal_text(error))
        except (OSError, TimeoutError, asyncio.TimeoutError, WebSocketException) as error:
            _log.warning('cannot connect to %s: %s', self._settings.url, error or 'timed out')
        self._backoff.session_lasted(self._loop.time() - started)

    async def _use(self, session: GatewaySession) -> None:
        tasks = {
            asyncio.ensure_future(work)
            for work in (
                session.read(),
                self._synchronize_and_keep_alive(session),
                session.send_results(self._outbox),
                session.confirm_results(self._outbox, self._confirm_interval_s),
            )
        }
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            session.fail_requests()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self._session is session:
                await self._set_session(None)
                self._on_down()

    async def _synchronize_and_keep_alive(self, session: GatewaySession) -> None:
        await self._synchronize(session)
        await self._set_session(session)
        # A command may have arrived, and its result been posted, during the synchronization.
        session.notify_results()
        self._on_up()
        await self._keep_alive(session)

    async def _set_session(self, session: GatewaySession | None) -> None:
        async with self._changed:
            self._session = session
            self._changed.notify_all()


def _ssl_context(settings: Settings) -> ssl.SSLContext | None:
    try:
        is_secure = parse_uri(settings.url).secure
        return ssl.create_default_context(cafile=settings.ca_file or None) if is_secure else None
    except InvalidURI as error:
        raise ConfigurationError(
            f'url: expected ws://host:9091 or wss://host:9091: {error}'
        ) from None
    except OSError as error:
        raise ConfigurationError(f'cannot read ca_file {settings.ca_file!r}: {error}') from None


def _refusal_text(error: InvalidStatus) -> str:
    status = error.response.status_code
    reason = (error.response.body or b'').decode(errors='replace').strip()
    return f'the gateway refused the connection with status {status}: {shortened(reason, 300)}'
