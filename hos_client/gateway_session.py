"""One connection to the gateway, from its handshake to its end; never reused."""

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
    """The other end answered a frame with a `status` error."""


class Line:
    """Sends frames, gives answers to those who wait for them, and commands to `on_command`."""

    def __init__(
        self,
        socket: ClientConnection,
        on_command: Callable[[CallService], ServiceResponse],
    ) -> None:
        self._socket = socket
        self._on_command = on_command
        self._awaited: dict[FrameId, asyncio.Future[Frame]] = {}
        self._has_results = asyncio.Event()
        self._has_unconfirmed = asyncio.Event()

    async def read(self) -> None:
        """Take what comes until the connection ends."""
        async for text in self._socket:
            try:
                frame = decode(text)
            except FrameError as error:
                _log.warning('the gateway sent what is not understood: %s', error)
                continue
            if isinstance(frame, CallService):
                await self.send([self._on_command(frame)])
            elif isinstance(frame, (ServiceResponse, Sync, Status)):
                self._take_answer(frame)

    async def send(self, frames: Iterable[Frame]) -> None:
        """Send frames, in order; raises ConnectionError, as all that sends does."""
        for frame in frames:
            await self.send_text(encode(frame))

    async def send_text(self, text: str) -> None:
        """Send a frame that is written already."""
        try:
            await self._socket.send(text)
        except ConnectionClosed as error:
            raise ConnectionError(str(error)) from None

    async def ask(self, frames: list[Frame]) -> Frame:
        """Send frames and return the answer to the last; raises RefusedError."""
        frame_id = frames[-1].id
        future: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._awaited[frame_id] = future
        try:
            await self.send(frames)
            return await future
        finally:
            self._awaited.pop(frame_id, None)

    async def confirm(self) -> None:
        """Return when the gateway has read all that was sent before."""
        try:
            await (await self._socket.ping())
        except ConnectionClosed as error:
            raise ConnectionError(str(error)) from None

    def end(self) -> None:
        """Tell those who wait for an answer that none will come."""
        for future in self._awaited.values():
            if not future.done():
                future.set_exception(ConnectionError('the connection was lost'))

    def wake(self) -> None:
        """Take note that the outbox has got something."""
        self._has_results.set()

    async def deliver(self, outbox: Outbox) -> None:
        """Send results as they come, until the connection ends."""
        outbox.rewind()
        self._has_results.set()
        while True:
            await self._has_results.wait()
            self._has_results.clear()
            for text in outbox.take_unsent():
                await self.send_text(text)
            self._has_unconfirmed.set()

    async def confirm_deliveries(self, outbox: Outbox, interval_s: float) -> None:
        """
        Learn which results have arrived, one ping for all that were sent meanwhile.

        There are `interval_s` between two pings at least.
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

    def _take_answer(self, frame: ServiceResponse | Sync | Status) -> None:
        future = self._awaited.get(frame.id)
        if future is None or future.done():
            if isinstance(frame, Status):
                _log.warning('the gateway says: %s', shortened(frame.msg, 300))
        elif isinstance(frame, Status):
            future.set_exception(RefusedError(frame.msg))
        else:
            future.set_result(frame)


async def within(seconds: float, work: Awaitable[_T]) -> _T:
    """
    Return what a piece of work returns; raises TimeoutError if it takes longer.

    `asyncio.wait_for` before Python 3.12 swallows a cancellation that comes with the result.
    """
    task = asyncio.ensure_future(work)
    task.add_done_callback(_take_failure)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    finally:
        task.cancel()
    if not done:
        raise TimeoutError(f'no answer in {seconds:g} s')
    return task.result()


def _take_failure(task: asyncio.Future[Any]) -> None:
    # Work that fails while it is given up has nobody left to tell; asyncio would print it.
    if not task.cancelled():
        task.exception()
