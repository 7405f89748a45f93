"""The server of the gateway: HTTP and WebSocket on one port, in a thread of its own."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, cast

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from ...core.rosbridge import Access, Broker
from ...core.rosbridge.close_reasons import GATEWAY_STOPPED
from ...core.rosbridge.handshake_queue import HandshakeQueue
from ...core.rosbridge.peer_addresses import counted_address, is_in
from .authentication import AdmittedConnection, Authenticator
from .bounded_log import bounded_logging
from .bridge import ManagerBridge
from .certificates import server_context
from .connection_guard import ConnectionGuard, GuardedTransport
from .descriptors import reserve_descriptors
from .errors import GatewayError, listen_error
from .heartbeat import watch_silence
from .host_files import HostFiles
from .listener import GatewayListener
from .revocation import watch_revocations
from .settings import GatewaySettings
from .websocket_connection import CLOSE_TIMEOUT_S, WebSocketConnection

_log = logging.getLogger(__name__)

# A family of addresses and an address of it, as in the module socket.
_SocketAddress = tuple[int, tuple[Any, ...]]

# Requested by the common WebSocket library for Arduino.
_SUBPROTOCOLS = ('arduino',)

# Tells a client in the handshake how large its frames may be [bytes].
MAX_FRAME_BYTES_HEADER = 'Hos-Max-Frame-Bytes'

# Tells a peer that it has to send a token first.
AUTHENTICATION_HEADER = 'Hos-Authentication'

# How long the thread may take to end [s].
_STOP_TIMEOUT_S = 2.0

_ITERATIONS_TO_CLOSE = 100


class GatewayServer:
    """Serves until `stop`. The sessions are used on its thread only."""

    def __init__(
        self,
        settings: GatewaySettings,
        broker: Broker,
        bridge: ManagerBridge,
        host_files: HostFiles,
    ) -> None:
        self._settings = settings
        self._broker = broker
        self._bridge = bridge
        self._host_files = host_files
        self._budget = reserve_descriptors(settings.max_connections, settings.max_unfinished)
        self._authenticator = Authenticator(settings, self._budget.connections)
        self._connections: dict[WebSocketConnection, asyncio.Task[None] | None] = {}
        self._started: Future[int] = Future()
        self._listening: GatewayListener | None = None
        self._thread = threading.Thread(target=self._run, name='gateway', daemon=True)

    def start(self, started: Callable[[Future[int]], object]) -> None:
        """
        Begin to listen; returns at once, although a name server may need long to answer.

        `started` is called with the port or a GatewayError as a done future, before any peer is
        served.
        """
        self._started.add_done_callback(started)
        self._thread.start()

    def stop(self) -> None:
        """Close every connection and end the thread; it may be waiting for a name server."""
        if self._started.cancel():
            return
        if self._thread.is_alive() and self._started.exception() is None:
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(_STOP_TIMEOUT_S)

    def wake(self, work: Callable[[], None]) -> None:
        """Run a function on the server's thread; may be called from any thread."""
        try:
            self._loop.call_soon_threadsafe(work)
        except RuntimeError:
            # The loop has been closed.
            _log.debug('dropped work for a gateway that has stopped')

    def _run(self) -> None:
        try:
            addresses = _resolve(self._settings.address, self._settings.port)
        except Exception as error:
            # Whatever it is: somebody waits for it, unless `stop` was called.
            if self._started.set_running_or_notify_cancel():
                self._started.set_exception(self._start_error(error))
            return
        if self._started.set_running_or_notify_cancel():
            self._run_loop(addresses)

    def _run_loop(self, addresses: list[_SocketAddress]) -> None:
        try:
            with bounded_logging():
                asyncio.run(self._serve(addresses))
        except Exception as error:
            if self._started.done():
                _log.exception('the gateway has failed')
            else:
                self._started.set_exception(self._start_error(error))

    def _start_error(self, error: Exception) -> GatewayError:
        if isinstance(error, GatewayError):
            return error
        return listen_error(self._settings.address, self._settings.port, error)

    async def _serve(self, addresses: list[_SocketAddress]) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        application = web.Application(middlewares=[self._check])
        application.on_response_prepare.append(_close_afterwards)
        application.router.add_get('/', self._handle)
        self._host_files.add_to(application, self._admit)
        runner = web.AppRunner(
            application,
            # The URLs of requests may contain tokens.
            access_log=None,
            # Guards limit how long a request may take; it is the only one of its connection.
            keepalive_timeout=0,
            lingering_time=0,
            shutdown_timeout=CLOSE_TIMEOUT_S,
            handle_signals=False,
        )
        await runner.setup()
        try:
            assert runner.server is not None
            await self._serve_connections(self._listener(runner.server), addresses)
        finally:
            await runner.cleanup()
            await self._release_sockets()

    async def _release_sockets(self) -> None:
        """Closed transports release their sockets in one of the next iterations of the loop."""
        for _ in range(_ITERATIONS_TO_CLOSE):
            await asyncio.sleep(0)
            if self._listening is None or not self._listening.has_connections:
                break
        await asyncio.sleep(0)

    async def _serve_connections(
        self, listener: GatewayListener, addresses: list[_SocketAddress]
    ) -> None:
        self._listening = listener
        try:
            self._started.set_result(listener.open(addresses))
            connections = self._connections.keys()
            watches = [
                asyncio.create_task(watch_revocations(self._authenticator, connections)),
                asyncio.create_task(watch_silence(connections, self._settings.ping_interval_s)),
            ]
            await self._stopping.wait()
            for watch in watches:
                watch.cancel()
            listener.close()
            await self._close_all()
        finally:
            listener.abort()

    def _listener(self, create: Callable[[], asyncio.Protocol]) -> GatewayListener:
        settings, most = self._settings, self._budget.unfinished
        context = None
        if settings.certificate_file is not None:
            context = server_context(settings.certificate_file, settings.key_file)
        per_address = min(settings.max_unfinished_per_address, most)
        unfinished = HandshakeQueue[ConnectionGuard](most, per_address)
        return GatewayListener(create, context, unfinished, self._address_key)

    def _address_key(self, address: tuple[Any, ...]) -> str:
        host, port, *_ = address
        # The peers behind a proxy do not make room for each other.
        if is_in(host, self._settings.trusted_proxies):
            return f'{host} {port}'
        return counted_address(host)

    async def _close_all(self) -> None:
        for connection in self._connections:
            connection.session.close(GATEWAY_STOPPED)
        if tasks := [task for task in self._connections.values() if task is not None]:
            await asyncio.wait(tasks, timeout=CLOSE_TIMEOUT_S)

    def _admit(self, request: web.Request) -> Access | None:
        return self._authenticator.admit(request).access

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get('Upgrade', '').lower() != 'websocket':
            return web.Response(text='This is the WebSocket gateway of hos_device_layer.\n')
        admitted = self._authenticator.admit(request)
        socket = web.WebSocketResponse(
            protocols=_SUBPROTOCOLS,
            timeout=CLOSE_TIMEOUT_S,
            # Microcontrollers cannot decompress, and small frames gain little.
            compress=False,
            # aiohttp refuses frames of this size already.
            max_msg_size=self._settings.max_frame_bytes + 1,
        )
        socket.headers[MAX_FRAME_BYTES_HEADER] = str(self._settings.max_frame_bytes)
        if admitted.access is None:
            socket.headers[AUTHENTICATION_HEADER] = 'required'
        self._authenticator.enter(admitted)
        try:
            await socket.prepare(request)
            await self._run_connection(request, socket, admitted)
        finally:
            self._authenticator.leave(admitted)
        return socket

    async def _run_connection(
        self,
        request: web.Request,
        socket: web.WebSocketResponse,
        admitted: AdmittedConnection,
    ) -> None:
        transport = cast('GuardedTransport | None', request.transport)
        if transport is None:
            return
        limits = self._settings.limits
        connection = WebSocketConnection(
            socket, transport, self._broker, self._bridge, admitted, limits
        )
        transport.guard.begin_frames(limits, connection.session.close)
        self._connections[connection] = asyncio.current_task()
        try:
            await connection.run()
        finally:
            del self._connections[connection]

    @web.middleware
    async def _check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self._authenticator.check(request)
        return await handler(request)


async def _close_afterwards(_request: web.Request, response: web.StreamResponse) -> None:
    if not isinstance(response, web.WebSocketResponse):
        response.force_close()
        response.headers[hdrs.CONNECTION] = 'close'


def _resolve(address: str, port: int) -> list[_SocketAddress]:
    """
    Return the numeric addresses of a host name; '' stands for all of this computer.

    asyncio would ask the name server on a thread that the end of the program waits for.
    """
    found = socket.getaddrinfo(
        address or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    return list(dict.fromkeys((info[0], info[4]) for info in found))
