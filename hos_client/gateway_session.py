"""One WebSocket connection to the gateway, from its handshake to its end; never reused."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from hos_device_layer.core.rosbridge.frames import (
    CallService,
    Frame,
    FrameError,
    FrameId,
    ServiceResponse,
    Status,
    Sync,
    decode,
    encode,
)
from hos_device_layer.core.text import shortened

from .outbox import Outbox

_log = logging.getLogger(__name__)

_T = TypeVar('_T')


class RefusedError(Exception):
    """The gateway answered a frame with a `status` error."""


class GatewaySession:
    """Sends frames, matches answers to requests, and passes commands to `on_command`."""

    def __init__(
        self,
        socket: ClientConnection,
        on_command: Callable[[CallService], ServiceResponse],
    ) -> None:
        self._socket = socket
        self._on_command = on_command
        self._requests: dict[FrameId, asyncio.Future[Frame]] = {}
        self._has_results = asyncio.Event()
        self._has_unconfirmed = asyncio.Event()

    async def read(self) -> None:
        """Process incoming frames until the connection ends."""
        async for text in self._socket:
            try:
                frame = decode(text)
            except FrameError as error:
                _log.warning('ignored an invalid frame from the gateway: %s', error)
                continue
            if isinstance(frame, CallService):
                await self.send([self._on_command(frame)])
            elif isinstance(frame, (ServiceResponse, Sync, Status)):
                self._handle_answer(frame)

    async def send(self, frames: Iterable[Frame]) -> None:
        """Send frames in order; raises ConnectionError, like every method that sends."""
        for frame in frames:
            await self.send_text(encode(frame))

    async def send_text(self, text: str) -> None:
        """Send a frame that is already encoded."""
        try:
            await self._socket.send(text)
        except ConnectionClosed as error:
            raise ConnectionError(str(error)) from None

    async def request(self, frames: list[Frame]) -> Frame:
        """Send frames and return the answer to the last one; raises RefusedError."""
        frame_id = frames[-1].id
        future: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._requests[frame_id] = future
        try:
            await self.send(frames)
            return await future
        finally:
            self._requests.pop(frame_id, None)

    async def confirm(self) -> None:
        """Wait until the gateway has read everything that was sent before."""
        try:
            await (await self._socket.ping())
        except ConnectionClosed as error:
            raise ConnectionError(str(error)) from None

    def fail_requests(self) -> None:
        """End every request that waits for an answer with a ConnectionError."""
        for future in self._requests.values():
            if not future.done():
                future.set_exception(ConnectionError('the connection was lost'))

    def notify_results(self) -> None:
        """Send what has been added to the outbox."""
        self._has_results.set()

    async def send_results(self, outbox: Outbox) -> None:
        """Send results as they are added to the outbox, until the connection ends."""
        outbox.rewind()
        self._has_results.set()
        while True:
            await self._has_results.wait()
            self._has_results.clear()
            for text in outbox.take_unsent():
                await self.send_text(text)
            self._has_unconfirmed.set()

    async def confirm_results(self, outbox: Outbox, interval_s: float) -> None:
        """
        Find out which results have arrived: one ping for all that were sent in between.

        Two pings are at least `interval_s` [s] apart.
        """
        while True:
            await self._has_unconfirmed.wait()
            self._has_unconfirmed.clear()
            if len(outbox):
                mark = outbox.mark
                await self.confirm()
                outbox.confirm(mark)
                if interval_s:
                    await asyncio.sleep(interval_s)

    def _handle_answer(self, frame: ServiceResponse | Sync | Status) -> None:
        future = self._requests.get(frame.id)
        if future is None or future.done():
            if isinstance(frame, Status):
                _log.warning('status message from the gateway: %s', shortened(frame.msg, 300))
        elif isinstance(frame, Status):
            future.set_exception(RefusedError(frame.msg))
        else:
            future.set_result(frame)


async def within(seconds: float, work: Awaitable[_T]) -> _T:
    """
    Return the result of `work`; raises TimeoutError if it takes longer than `seconds`.

    `asyncio.wait_for` before Python 3.12 loses a cancellation that arrives with the result.
    """
    task = asyncio.ensure_future(work)
    task.add_done_callback(_retrieve_exception)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    finally:
        task.cancel()
    if not done:
        raise TimeoutError(f'no answer within {seconds:g} s')
    return task.result()


def _retrieve_exception(task: asyncio.Future[Any]) -> None:
    # asyncio would print an exception that nobody retrieves.
    if not task.cancelled():
        task.exception()
