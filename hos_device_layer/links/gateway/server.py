"""The gateway's server: HTTP and WebSocket on one port, on a thread of its own."""

from __future__ import annotations

import asyncio
import functools
import logging
import resource
import ssl
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar, cast

from aiohttp import web

from ...core.errors import HosError
from ...core.rosbridge import Access, Broker, CloseReason, Session, SessionEvent
from ...core.rosbridge.session import WRONG_TOKEN
from .authentication import AdmittedConnection, Authenticator
from .downloads import HostFiles
from .mailbox import Mailbox
from .settings import GatewaySettings
from .websocket_connection import CLOSE_TIMEOUT_S, WebSocketConnection

_Answer = TypeVar('_Answer')

_log = logging.getLogger(__name__)

# For a peer to finish its request, and TLS before it [s].
HANDSHAKE_TIMEOUT_S = 10.0

# A whole fleet connects at once after a restart.
_BACKLOG = 4096

# How often tokens that were revoked are looked for [s].
_REVOCATION_CHECK_S = 5.0

# What the common WebSocket library for Arduino asks for.
_SUBPROTOCOLS = ('arduino',)

_STOPPING = CloseReason(1001, 'the gateway is going away')

# How long the thread may take to end [s].
_STOP_TIMEOUT_S = 2.0


class GatewayError(HosError, OSError):
    """The gateway cannot be started."""


class GatewayServer:
    """
    Serves until `stop`. Sessions live on its thread alone.

    `report` is called there with what peers do, `to_executor` queues work for the device
    manager's thread; `call` queues work for this one.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        switchboard: Broker,
        report: Callable[[Session | None, SessionEvent], None],
        to_executor: Mailbox,
        downloads: HostFiles | None = None,
    ) -> None:
        self._downloads = downloads
        self._settings = settings
        self._switchboard = switchboard
        self._report = report
        self._to_executor = to_executor
        self._doorkeeper = Authenticator(settings)
        self._transports: weakref.WeakSet[asyncio.Transport] = weakref.WeakSet()
        self._talks: dict[WebSocketConnection, asyncio.Task[None] | None] = {}
        self._jobs = Mailbox(self._wake)
        self._started: Future[int] = Future()
        self._thread = threading.Thread(target=self._run, name='gateway', daemon=True)

    def start(self) -> int:
        """Start to listen; returns the port. Raises GatewayError."""
        _raise_file_limit(self._settings.max_connections)
        self._thread.start()
        return self._started.result()

    def stop(self) -> None:
        """Close every connection and end the thread."""
        if self._thread.is_alive() and self._started.exception() is None:
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(_STOP_TIMEOUT_S)

    def call(self, job: Callable[[], object]) -> None:
        """Run a job on the server's thread; may be called from any."""
        self._jobs.put(job)

    def ask(self, question: Callable[[], _Answer]) -> _Answer:
        """Run a question on the server's thread and wait for its answer."""
        answer: Future[_Answer] = Future()
        self.call(lambda: answer.set_result(question()))
        return answer.result(_STOP_TIMEOUT_S)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except (OSError, ssl.SSLError) as error:
            self._started.set_exception(self._why_not(error))

    def _why_not(self, error: OSError) -> GatewayError:
        where = f'{self._settings.address} port {self._settings.port}'
        return GatewayError(
            f'the gateway cannot listen on {where}: {error.strerror or error}. Choose another '
            'with the parameters gateway_address and gateway_port'
            if not isinstance(error, ssl.SSLError)
            else f'the certificate or key of the gateway cannot be used: {error}'
        )

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        application = web.Application(client_max_size=self._settings.max_frame_bytes)
        application.router.add_get('/', self._handle)
        if self._downloads is not None:
            self._downloads.add_to(application, self._admit)
        runner = web.AppRunner(
            application,
            # Requests may carry tokens in their address.
            access_log=None,
            # Counts from the connection on: a handshake that is never finished ends with it.
            keepalive_timeout=HANDSHAKE_TIMEOUT_S,
            shutdown_timeout=CLOSE_TIMEOUT_S,
            handle_signals=False,
        )
        await runner.setup()
        try:
            site = web.TCPSite(
                runner,
                self._settings.address,
                self._settings.port,
                ssl_context=self._ssl_context(),
                backlog=_BACKLOG,
            )
            await site.start()
            address = cast(tuple[str, int], runner.addresses[0])
            self._started.set_result(address[1])
            watch = asyncio.create_task(self._watch_revocations())
            await self._stopping.wait()
            watch.cancel()
            await site.stop()
            await self._close_all()
        finally:
            await runner.cleanup()
            for transport in self._transports:
                transport.abort()
            # Closed transports let go of their sockets in the loop's next round.
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    async def _close_all(self) -> None:
        for peer in self._talks:
            peer.session.close(_STOPPING)
        if talks := [talk for talk in self._talks.values() if talk is not None]:
            await asyncio.wait(talks, timeout=CLOSE_TIMEOUT_S)

    def _wake(self, work: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(work)
        except RuntimeError:
            # The loop has been closed: nobody is there to be told any more.
            _log.debug('dropped work for a gateway that has stopped')

    def _ssl_context(self) -> ssl.SSLContext | None:
        if self._settings.certificate_file is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self._settings.certificate_file, self._settings.key_file)
        return context

    def _admit(self, request: web.Request) -> Access | None:
        return self._doorkeeper.admit(request, self._loop.time())

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get('Upgrade', '').lower() != 'websocket':
            return web.Response(text='This is the gateway of hos_device_layer: a WebSocket.\n')
        access = self._admit(request)
        socket = web.WebSocketResponse(
            protocols=_SUBPROTOCOLS,
            heartbeat=self._settings.ping_interval_s,
            timeout=CLOSE_TIMEOUT_S,
            # Microcontrollers cannot inflate, and the others gain little on frames this small.
            compress=False,
            max_msg_size=self._settings.max_frame_bytes,
        )
        visit = self._doorkeeper.enter(request.remote or '', access)
        try:
            await socket.prepare(request)
            await self._talk(request, socket, access, visit)
        finally:
            self._doorkeeper.leave(visit)
        return socket

    async def _talk(
        self,
        request: web.Request,
        socket: web.WebSocketResponse,
        access: Access | None,
        visit: AdmittedConnection,
    ) -> None:
        transport = request.transport
        if transport is None:
            return
        self._transports.add(transport)
        peer = WebSocketConnection(
            socket,
            transport,
            access,
            visit.address,
            self._switchboard,
            visit.authenticate,
            self._settings.limits,
        )
        self._talks[peer] = asyncio.current_task()
        try:
            await peer.run(functools.partial(self._report, peer.session), self._catch_up)
        finally:
            del self._talks[peer]
            for event in self._switchboard.leave(peer.session):
                self._report(None, event)

    async def _catch_up(self) -> None:
        """Wait until the device manager has taken all that was reported before."""
        caught_up = asyncio.Event()
        self._to_executor.put(lambda: self.call(caught_up.set))
        await caught_up.wait()

    async def _watch_revocations(self) -> None:
        while True:
            await asyncio.sleep(_REVOCATION_CHECK_S)
            for peer in self._talks:
                access = peer.session.access
                if access is not None and self._doorkeeper.is_revoked(access):
                    peer.session.close(WRONG_TOKEN)


def _raise_file_limit(connections: int) -> None:
    # Many systems allow a program 1024 files unless it asks for more.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + 1024
    if soft != resource.RLIM_INFINITY and soft < wanted:
        ceiling = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, ceiling), hard))
