"""One WebSocket connection: passes frames between the socket and its session."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Coroutine
from contextlib import suppress
from functools import partial
from typing import Any

from aiohttp import WSMsgType, web

from ...core.rosbridge import Access, Broker, SessionLimits
from ...core.rosbridge.close_reasons import (
    NO_TOKEN,
    PEER_GONE,
    TOKENS_UNAVAILABLE,
    TOO_SLOW,
)
from .authentication import AdmittedConnection
from .bridge import ManagerBridge
from .connection_guard import FRAMES_PER_TURN, GuardedTransport
from .posted_events import PostedEvents
from .tokens import TokenError

# A frame in the buffer of the kernel can no longer be withdrawn, so little is kept there: what the
# peer does not read waits in the session. See TCP_NOTSENT_LOWAT in tcp(7) [bytes]. The kernel of
# the peer takes a receive buffer more; how many commands can be there is limited by the WINDOW of
# their channels. The smallest SO_SNDBUF would slow down peers that read: it also limits what is on
# its way to them.
_MAX_UNSENT_IN_KERNEL = 4096

# A longer frame takes as much time as several short ones.
_CHARACTERS_PER_FRAME = 4096

# How often a blocked transport is looked at [s].
_BLOCKED_POLL_S = 0.02

# How long a peer may take to send its token, and to answer a close frame [s].
TOKEN_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 1.0


class WebSocketConnection:
    """Runs a session over a WebSocket until either side closes it."""

    def __init__(
        self,
        websocket: web.WebSocketResponse,
        transport: GuardedTransport,
        broker: Broker,
        bridge: ManagerBridge,
        admitted: AdmittedConnection,
        limits: SessionLimits,
    ) -> None:
        self._socket = websocket
        self._transport = transport
        _keep_little_unsent(transport)
        self._broker = broker
        self._bridge = bridge
        self._admitted = admitted
        self._loop = asyncio.get_running_loop()
        # Runs while frames wait for the peer to read, and to close the connection.
        self._writer: asyncio.Task[None] | None = None
        self._cut: asyncio.TimerHandle | None = None
        self._silent_looks = 0
        self._events = PostedEvents()
        self.session = broker.open_session(
            admitted.access,
            admitted.address,
            self._authenticate,
            self._wake,
            limits,
            self._loop.time(),
        )

    async def run(self) -> None:
        """Exchange frames until the connection ends, then report the devices that are lost."""
        timer = None
        if self.session.access is None:
            timer = self._loop.call_later(TOKEN_TIMEOUT_S, self._check_token)
        try:
            await self._read()
        finally:
            if timer is not None:
                timer.cancel()
            self.session.close(PEER_GONE)
            try:
                await self._end_writing()
            finally:
                if self._cut is not None:
                    self._cut.cancel()
                for event in self._broker.close_session(self.session):
                    self._bridge.to_manager.put(partial(self._bridge.handle, event))
                self._break_cycles()

    def look(self) -> int:
        """Return how many times in a row this was called and nothing had come since before."""
        self._silent_looks = self._silent_looks + 1 if self._transport.guard.was_silent() else 0
        return self._silent_looks

    def ping(self) -> None:
        """Ask the peer for a sign of life."""
        _send_now(self._socket.ping())

    def abort(self) -> None:
        """Close the connection at once: the peer is gone."""
        self._transport.abort()

    def _break_cycles(self) -> None:
        """Let memory be freed at once: collecting a thousand of these would hold the loop."""
        # The session refers to this object.
        del self.session
        error = self._socket.exception()
        while error is not None:
            # Its frames refer to the socket, which refers to it.
            error.__traceback__ = None
            error = error.__context__

    async def _read(self) -> None:
        bridge, session = self._bridge, self.session
        weight = 0
        async for message in self._socket:
            now = self._loop.time()
            weight += 1
            if message.type is WSMsgType.TEXT:
                weight += len(message.data) // _CHARACTERS_PER_FRAME
                for event in session.receive(message.data, now):
                    urgency = self._events.urgency(event, self._loop.call_later)
                    bridge.to_manager.put(bridge.job(session, event), urgency)
            elif message.type is WSMsgType.BINARY:
                session.refuse(None, None, 'expected JSON text frames, got a binary frame', now)
            if session.closing is not None:
                return
            if self._events.too_many_wait:
                await self._drain()
            if delay := session.read_delay(now):
                await asyncio.sleep(delay)
                weight = 0
            elif weight >= FRAMES_PER_TURN:
                # aiohttp does not wait while it has frames.
                await asyncio.sleep(0)
                weight = 0

    async def _drain(self) -> None:
        """Wait until the device manager has handled all events that were posted before."""
        drained = asyncio.Event()
        to_gateway = self._bridge.to_gateway
        self._bridge.to_manager.put(lambda: to_gateway.put(drained.set))
        await drained.wait()

    async def _end_writing(self) -> None:
        """Let the writer send the reason if the session itself has ended."""
        if (writer := self._writer) is not None:
            try:
                await asyncio.wait([writer], timeout=2 * CLOSE_TIMEOUT_S)
            finally:
                writer.cancel()

    async def _write(self) -> None:
        try:
            await self._send_all()
            if (closing := self.session.closing) is not None:
                await self._socket.close(code=closing.code, message=closing.reason.encode())
        except ConnectionError:
            # The reader notices this as well and ends the session.
            return
        finally:
            self._writer = None

    async def _send_all(self) -> None:
        while True:
            while self._transport.get_write_buffer_size() and self.session.closing is None:
                await asyncio.sleep(_BLOCKED_POLL_S)
            text = self.session.outgoing.next_text()
            if text is None:
                return
            await self._send(text)

    def _wake(self) -> None:
        if self.session.closing is not None and self._cut is None:
            # A peer that reads nothing blocks the close frame, and the reader with its pings.
            self._cut = self._loop.call_later(2 * CLOSE_TIMEOUT_S, self._transport.abort)
        if self._writer is None:
            if self.session.closing is None and self._send_at_once():
                return
            self._writer = self._loop.create_task(self._write())
        if self.session.closing is TOO_SLOW:
            # The peer would not read a close frame either.
            self._transport.abort()

    def _send_at_once(self) -> bool:
        """
        Send the frame that waits unless the transport is blocked; returns whether it was sent.

        A command arrives a sixth earlier than if the writer task were woken for it.
        """
        if self._transport.get_write_buffer_size():
            return False
        text = self.session.outgoing.next_text()
        if text is None:
            return True
        _send_now(self._send(text))
        return True

    def _send(self, data: str | bytes) -> Coroutine[Any, Any, None]:
        if isinstance(data, str):
            return self._socket.send_str(data)
        return self._socket.send_bytes(data)

    def _authenticate(self, token: str) -> Access | None:
        try:
            return self._admitted.authenticate(token)
        except TokenError:
            self.session.close(TOKENS_UNAVAILABLE)
            return None

    def _check_token(self) -> None:
        if self.session.access is None:
            self.session.close(NO_TOKEN)


def _send_now(sending: Coroutine[Any, Any, None]) -> None:
    """Pass a frame to the transport without waiting for the peer."""
    try:
        sending.send(None)
    except (StopIteration, ConnectionError):
        # The reader notices a peer that has gone.
        return
    # The frame has been passed on, but the kernel has not taken all of it, and aiohttp would wait.
    # Who sends does not: the next frame waits in the session.
    sending.close()


def _keep_little_unsent(transport: GuardedTransport) -> None:
    option = getattr(socket, 'TCP_NOTSENT_LOWAT', None)
    if option is not None:  # Linux and macOS
        connection = transport.get_extra_info('socket')
        # A peer that has gone has no such option.
        with suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, option, _MAX_UNSENT_IN_KERNEL)
