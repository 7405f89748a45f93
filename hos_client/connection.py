"""The connection to the gateway: one session after another, with a backoff between them."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosedError,
    InvalidStatus,
    InvalidURI,
    WebSocketException,
)
from websockets.frames import CloseCode
from websockets.uri import parse_uri

from hos_device_layer.core.rosbridge.close_reasons import NO_TOKEN, WRONG_TOKEN
from hos_device_layer.core.rosbridge.frames import CallService, ServiceResponse
from hos_device_layer.core.text import shortened

from .backoff import Backoff
from .concurrency import until_first, within
from .errors import AuthenticationError, ConfigurationError
from .gateway_session import GatewaySession, RefusedError
from .outbox import Outbox
from .settings import Settings

_log = logging.getLogger(__name__)

# Limit of a handshake, interval of WebSocket pings, and limits of their answer and of closing [s].
_OPEN_S = 10.0
_KEEPALIVE_S = 5.0
_KEEPALIVE_ANSWER_S = 5.0
_CLOSE_S = 1.0

# How long results may take to be delivered when the client stops [s].
_FLUSH_S = 2.0

# The longest frame is a list of 2,000 devices with long ids and their hashes.
_MAX_FRAME_BYTES = 4 * 1024 * 1024

# Answers to a handshake without a valid token (RFC 9110 section 15.5).
_UNAUTHORIZED = (401, 403)


_UNAUTHENTICATED = (
    'the gateway requires a token: pass token=…, or set HOS_CLIENT_TOKEN or `token` in '
    'hos_client.conf'
)


class GatewayConnection:
    """
    Keeps a session with the gateway while `run` runs.

    `synchronize` runs on every new session while frames are received; then `on_up` is called and
    the outbox is delivered, and `keep_alive` runs until the session ends; `on_down` is called when
    a session that was up has ended.
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
        self._socket: ClientConnection | None = None
        self._session: GatewaySession | None = None
        self._refusal: AuthenticationError | None = None
        self._changed = asyncio.Condition()
        self._stopping = asyncio.Event()
        self._is_over = False
        self._failure = ''
        self._ssl = _ssl_context(settings)

    @property
    def is_up(self) -> bool:
        """Whether there is a session and it has been synchronized."""
        return self._session is not None

    async def session(self) -> GatewaySession:
        """Wait for a session that is up and return it; raises ConnectionError after the end."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._session or self._is_over)
        if self._session is None:
            raise ConnectionError('the client was stopped')
        return self._session

    async def wait_until_up(self) -> None:
        """Wait for a session that is up; raises AuthenticationError if the gateway refuses it."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._session or self._refusal or self._is_over)
        if self._session is None:
            raise self._refusal or ConnectionError('the client was stopped')

    def notify_outbox(self) -> None:
        """Send what has been added to the outbox, as soon as there is a session."""
        if self._session is not None:
            self._session.notify_outbox()

    def stop(self) -> None:
        """Let `run` end after it has delivered what is in the outbox, if there is a session."""
        self._stopping.set()

    async def run(self) -> None:
        """Connect, and connect again, until `stop`."""
        stopped = asyncio.create_task(self._stopping.wait())
        try:
            while not stopped.done():
                running = asyncio.create_task(self._run_session())
                await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
                if not running.done():
                    await self._flush()
                    await self._close()
                    running.cancel()
                await asyncio.wait({running})
                if not stopped.done():
                    wait_s = self._backoff.next()
                    _log.debug('connecting again in %.1f s', wait_s)
                    await asyncio.wait({stopped}, timeout=wait_s)
        finally:
            stopped.cancel()
            self._outbox.close()
            self._is_over = True
            await self._set_session(None)

    async def _flush(self) -> None:
        if self._session is not None and len(self._outbox):
            try:
                await within(_FLUSH_S, self._deliver_all(self._session))
            except (OSError, TimeoutError, RefusedError):
                _log.warning('%d results or samples were not delivered', len(self._outbox))

    async def _deliver_all(self, session: GatewaySession) -> None:
        await session.send_unsent()
        mark = self._outbox.mark
        await session.confirm()
        self._outbox.confirm(mark)

    async def _close(self) -> None:
        """Close the WebSocket connection; a gateway that does not read cannot delay it."""
        socket = self._socket
        if socket is not None:
            try:
                await within(_CLOSE_S, socket.close())
            except (OSError, TimeoutError, WebSocketException):
                socket.transport.abort()

    async def _run_session(self) -> None:
        try:
            await self._connect()
        except InvalidStatus as error:
            text = _refusal_text(error)
            if error.response.status_code in _UNAUTHORIZED:
                await self._refused(text)
            else:
                self._failed(text)
        except (OSError, TimeoutError, asyncio.TimeoutError, WebSocketException) as error:
            reason = self._settings.redacted(str(error)) or 'timed out'
            self._failed(f'cannot connect to {self._settings.shown_url}: {reason}')
        except Exception:
            _log.exception('the session with the gateway has failed')

    async def _connect(self) -> None:
        headers = {}
        if self._settings.token:
            headers['Authorization'] = f'Bearer {self._settings.token}'
        connecting = connect(
            self._settings.url,
            additional_headers=headers,
            ssl=self._ssl,
            compression=None,
            open_timeout=_OPEN_S,
            ping_interval=_KEEPALIVE_S,
            ping_timeout=_KEEPALIVE_ANSWER_S,
            close_timeout=_CLOSE_S,
            max_size=_MAX_FRAME_BYTES,
        )
        socket: ClientConnection | None = None
        try:
            async with connecting as socket:
                await self._use_socket(socket)
        finally:
            # Without effect, unless the client was stopped while the connection was being closed.
            if socket is not None:
                socket.transport.abort()

    async def _use_socket(self, socket: ClientConnection) -> None:
        session = GatewaySession(socket, self._outbox, self._on_command)
        if session.needs_token:
            await self._refused(_UNAUTHENTICATED)
            return
        started = asyncio.get_running_loop().time()
        self._socket = socket
        try:
            await self._use(session)
            reason = f'the gateway closed it: {_closing(socket)}'
        except ConnectionClosedError:
            reason = _closing(socket)
        except (OSError, TimeoutError, WebSocketException, RefusedError) as error:
            reason = str(error)
        finally:
            self._socket = None
        self._backoff.session_lasted(asyncio.get_running_loop().time() - started)
        await self._lost(reason, socket.close_code)

    async def _lost(self, reason: str, code: int | None) -> None:
        if self._stopping.is_set():
            return
        reason = self._settings.redacted(reason)
        text = f'the connection to {self._settings.shown_url} was lost: {reason}'
        if code in (WRONG_TOKEN.code, NO_TOKEN.code):
            await self._refused(text)
        else:
            self._failed(text)

    async def _use(self, session: GatewaySession) -> None:
        try:
            await until_first(session.read(), self._synchronize_and_keep_alive(session))
        finally:
            session.fail_requests()
            self._outbox.connection_lost()
            if self._session is session:
                await self._set_session(None)
                self._on_down()

    async def _synchronize_and_keep_alive(self, session: GatewaySession) -> None:
        await self._synchronize(session)
        self._failure = ''
        self._refusal = None
        await self._set_session(session)
        self._on_up()
        # Results follow after the devices are connected: before, nobody would take them.
        await until_first(
            self._keep_alive(session),
            session.send_outbox(),
            session.confirm_outbox(self._confirm_interval_s),
        )

    async def _set_session(self, session: GatewaySession | None) -> None:
        async with self._changed:
            self._session = session
            self._changed.notify_all()

    async def _refused(self, reason: str) -> None:
        self._failed(reason, logging.ERROR)
        # The token is not going to become valid in a second.
        self._backoff.wait_longest()
        async with self._changed:
            self._refusal = AuthenticationError(reason)
            self._changed.notify_all()

    def _failed(self, text: str, level: int = logging.WARNING) -> None:
        """Log a failure; at the level DEBUG if it is the same as before."""
        _log.log(logging.DEBUG if text == self._failure else level, '%s', text)
        self._failure = text


def _ssl_context(settings: Settings) -> ssl.SSLContext | None:
    try:
        is_secure = parse_uri(settings.url).secure
        return ssl.create_default_context(cafile=settings.ca_file or None) if is_secure else None
    except InvalidURI as error:
        reason = settings.redacted(str(error))
        raise ConfigurationError(
            f'url: expected ws://host:9091 or wss://host:9091: {reason}'
        ) from None
    except OSError as error:
        raise ConfigurationError(f'cannot read ca_file {settings.ca_file!r}: {error}') from None


def _closing(socket: ClientConnection) -> str:
    """Return how a connection was closed: with a code and a reason, or cut."""
    if socket.close_code == CloseCode.ABNORMAL_CLOSURE:
        return 'it was cut'
    return f'{socket.close_code} {shortened(socket.close_reason, 300)}'


def _refusal_text(error: InvalidStatus) -> str:
    status = error.response.status_code
    reason = (error.response.body or b'').decode(errors='replace').strip()
    return f'the gateway refused the connection with status {status}: {shortened(reason, 300)}'
