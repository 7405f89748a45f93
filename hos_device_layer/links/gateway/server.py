"""The server of the gateway: HTTP and WebSocket on one port, in a thread of its own."""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
import ssl
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, cast

from aiohttp import web
from aiohttp.typedefs import Handler

from ...core.errors import HosError
from ...core.rosbridge import Access, Broker
from ...core.rosbridge.close_reasons import GATEWAY_STOPPED
from .authentication import AdmittedConnection, Authenticator
from .bounded_log import bounded_logging
from .bridge import ManagerBridge
from .host_files import HostFiles
from .revocation import watch_revocations
from .settings import GatewaySettings
from .websocket_connection import CLOSE_TIMEOUT_S, WebSocketConnection

_log = logging.getLogger(__name__)

# How long a peer may take for the TLS handshake and its request [s].
HANDSHAKE_TIMEOUT_S = 10.0

# A whole fleet connects at once after a restart.
_BACKLOG = 4096

# Requested by the common WebSocket library for Arduino.
_SUBPROTOCOLS = ('arduino',)

# Tells a client in the handshake how large its frames may be [bytes].
MAX_FRAME_BYTES_HEADER = 'Hos-Max-Frame-Bytes'

# Tells a peer that it has to send a token first.
AUTHENTICATION_HEADER = 'Hos-Authentication'

# How long the thread may take to end [s].
_STOP_TIMEOUT_S = 2.0


class GatewayError(HosError, OSError):
    """The gateway cannot be started."""


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
        self._authenticator = Authenticator(settings)
        self._transports: weakref.WeakSet[asyncio.Transport] = weakref.WeakSet()
        self._connections: dict[WebSocketConnection, asyncio.Task[None] | None] = {}
        self._started: Future[int] = Future()
        self._thread = threading.Thread(target=self._run, name='gateway', daemon=True)

    def start(self, started: Callable[[Future[int]], object]) -> None:
        """
        Begin to listen; returns at once, although a name server may need long to answer.

        `started` is called with the port or a GatewayError as a done future, before any peer is
        served.
        """
        _raise_file_limit(self._settings.max_connections)
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
            addresses = _resolve(self._settings.address)
        except Exception as error:
            # Whatever it is: somebody waits for it, unless `stop` was called.
            if self._started.set_running_or_notify_cancel():
                self._started.set_exception(self._start_error(error))
            return
        if self._started.set_running_or_notify_cancel():
            self._run_loop(addresses)

    def _run_loop(self, addresses: list[str]) -> None:
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
        where = f'{self._settings.address} port {self._settings.port}'
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        return GatewayError(
            f'the gateway cannot listen on {where}: {reason}; set the parameter gateway_address '
            'or gateway_port'
        )

    async def _serve(self, addresses: list[str]) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        application = web.Application(middlewares=[self._check])
        application.router.add_get('/', self._handle)
        self._host_files.add_to(application, self._admit)
        runner = web.AppRunner(
            application,
            # The URLs of requests may contain tokens.
            access_log=None,
            # Counts from the start of the connection, so that an unfinished handshake ends too.
            keepalive_timeout=HANDSHAKE_TIMEOUT_S,
            shutdown_timeout=CLOSE_TIMEOUT_S,
            handle_signals=False,
        )
        await runner.setup()
        try:
            await self._listen(runner, addresses)
            address = cast(tuple[str, int], runner.addresses[0])
            self._started.set_result(address[1])
            watch = asyncio.create_task(
                watch_revocations(self._authenticator, self._connections.keys())
            )
            await self._stopping.wait()
            watch.cancel()
            for site in tuple(runner.sites):
                await site.stop()
            await self._close_all()
        finally:
            await runner.cleanup()
            for transport in self._transports:
                transport.abort()
            # Closed transports release their sockets in the next iteration of the loop.
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    async def _listen(self, runner: web.AppRunner, addresses: list[str]) -> None:
        context = self._ssl_context()
        for address in addresses:
            site = web.TCPSite(
                runner, address, self._settings.port, ssl_context=context, backlog=_BACKLOG
            )
            await site.start()

    async def _close_all(self) -> None:
        for connection in self._connections:
            connection.session.close(GATEWAY_STOPPED)
        if tasks := [task for task in self._connections.values() if task is not None]:
            await asyncio.wait(tasks, timeout=CLOSE_TIMEOUT_S)

    def _ssl_context(self) -> ssl.SSLContext | None:
        if self._settings.certificate_file is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self._settings.certificate_file, self._settings.key_file)
        except OSError as error:
            files = [self._settings.certificate_file, self._settings.key_file]
            raise GatewayError(
                'the certificate or key of the gateway cannot be used: '
                f'{", ".join(str(file) for file in files if file is not None)}: '
                f'{error.strerror or error}; set the parameters gateway_certificate_file and '
                'gateway_key_file'
            ) from error
        return context

    def _admit(self, request: web.Request) -> Access | None:
        return self._authenticator.admit(request).access

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get('Upgrade', '').lower() != 'websocket':
            return web.Response(text='This is the WebSocket gateway of hos_device_layer.\n')
        admitted = self._authenticator.admit(request)
        socket = web.WebSocketResponse(
            protocols=_SUBPROTOCOLS,
            heartbeat=self._settings.ping_interval_s,
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
        transport = request.transport
        if transport is None:
            return
        self._transports.add(transport)
        connection = WebSocketConnection(
            socket,
            transport,
            self._broker,
            self._bridge,
            admitted,
            self._settings.limits,
        )
        self._connections[connection] = asyncio.current_task()
        try:
            await connection.run()
        finally:
            del self._connections[connection]

    @web.middleware
    async def _check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self._authenticator.check(request)
        return await handler(request)


def _resolve(address: str) -> list[str]:
    """
    Return the numeric addresses of a host name; '' stands for all of this computer.

    asyncio would ask the name server on a thread that the end of the program waits for.
    """
    found = socket.getaddrinfo(
        address or None, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    return list(dict.fromkeys(_numeric(info[4]) for info in found))


def _numeric(address: tuple[Any, ...]) -> str:
    host, *_ = address
    # An IPv6 address has a flow and the number of the interface for which it is valid.
    zone = address[3] if len(address) == 4 else 0
    return f'{host}%{zone}' if zone else str(host)


def _raise_file_limit(connections: int) -> None:
    # Many systems allow 1024 open files unless a program asks for more.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + 1024
    if soft != resource.RLIM_INFINITY and soft < wanted:
        ceiling = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, ceiling), hard))
