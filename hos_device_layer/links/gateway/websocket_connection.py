"""One WebSocket: its frames to the session, the session's frames to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import WSMsgType, web

from ...core.rosbridge import Access, Broker, CloseReason, Session, SessionEvent, SessionLimits
from ...core.rosbridge.session import TOO_SLOW

# A peer's events that the device manager has not taken yet: more are not read meanwhile, so that
# a flood fills its own buffer and nobody else's.
_MAX_EVENTS_UNDER_WAY = 256

# For a peer to say who it is, and to answer a close frame [s].
TOKEN_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 1.0

NO_TOKEN = CloseReason(4408, 'no token came in time')
GONE = CloseReason(1001, 'the peer has gone')


class WebSocketConnection:
    """Runs a session over a WebSocket until either side closes it."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport,
        access: Access | None,
        address: str,
        switchboard: Broker,
        authenticate: Callable[[str], Access | None],
        limits: SessionLimits,
    ) -> None:
        self._socket = socket
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._awake = asyncio.Event()
        # Whether the writer waits for something to write.
        self._is_idle = False
        self.session = Session(
            switchboard, access, address, authenticate, self._wake, limits, self._loop.time()
        )

    async def run(
        self, report: Callable[[SessionEvent], None], catch_up: Callable[[], Awaitable[None]]
    ) -> None:
        """Talk until the end; `catch_up` returns when all that was reported has been taken."""
        writer = asyncio.create_task(self._write())
        timer = None
        if self.session.access is None:
            timer = self._loop.call_later(TOKEN_TIMEOUT_S, self._check_token)
        try:
            await self._read(report, catch_up)
        finally:
            if timer is not None:
                timer.cancel()
            self.session.close(GONE)
            # Gives the writer its chance to say why, where the session itself has ended.
            await asyncio.wait([writer], timeout=2 * CLOSE_TIMEOUT_S)
            writer.cancel()

    async def _read(
        self, report: Callable[[SessionEvent], None], catch_up: Callable[[], Awaitable[None]]
    ) -> None:
        under_way = 0
        async for message in self._socket:
            now = self._loop.time()
            if message.type is WSMsgType.TEXT:
                for event in self.session.receive(message.data, now):
                    report(event)
                    under_way += 1
            elif message.type is WSMsgType.BINARY:
                self.session.refuse(None, None, 'frames are JSON texts, not binary', now)
            if self.session.closing is not None:
                return
            if under_way >= _MAX_EVENTS_UNDER_WAY:
                await catch_up()
                under_way = 0
            if delay := self.session.read_delay(now):
                await asyncio.sleep(delay)

    async def _write(self) -> None:
        session = self.session
        try:
            while session.closing is None:
                self._is_idle = True
                await self._awake.wait()
                self._awake.clear()
                self._is_idle = False
                while session.outgoing:
                    await self._socket.send_str(session.next_text())
            await self._socket.close(
                code=session.closing.code, message=session.closing.reason.encode()
            )
        except ConnectionError:
            # The reader learns the same and ends the session.
            return

    def _wake(self) -> None:
        if self._is_idle and self.session.closing is None and self._send_at_once():
            return
        self._awake.set()
        if self.session.closing is TOO_SLOW:
            # It would not read a close frame either.
            self._transport.abort()

    def _send_at_once(self) -> bool:
        """
        Send the frame that waits, if the peer keeps up; returns whether it did.

        A command arrives a sixth earlier than if the writer had to be woken for it.
        """
        if self._transport.get_write_buffer_size():
            return False
        sending = self._socket.send_str(self.session.next_text())
        try:
            # aiohttp waits only for a transport that holds bytes back: here it ends at once.
            sending.send(None)
        except (StopIteration, ConnectionError):
            # A peer that is gone is noticed by the reader.
            return True
        sending.close()
        raise RuntimeError('aiohttp waited although the transport holds nothing back')

    def _check_token(self) -> None:
        if self.session.access is None:
            self.session.close(NO_TOKEN)
