"""One WebSocket connection to the gateway, from its handshake to its end; never reused."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from hos_device_layer.core.rosbridge.frames import (
    Advertise,
    CallService,
    Confirm,
    Frame,
    FrameError,
    FrameId,
    ServiceResponse,
    Status,
    Sync,
    decode,
    encode,
)
from hos_device_layer.core.rosbridge.names import parse_topic
from hos_device_layer.core.text import shortened

from .outbox import Outbox
from .wire import Publication

_log = logging.getLogger(__name__)

_Answer = TypeVar('_Answer', ServiceResponse, Sync, Confirm)

# In the gateway's answer to the handshake; other rosbridge servers do not send them.
_MAX_FRAME_HEADER = 'Hos-Max-Frame-Bytes'
_AUTHENTICATION_HEADER = 'Hos-Authentication'

# The default of rosbridge_server [bytes].
_STOCK_MAX_FRAME_BYTES = 10_000_000

# How many different reasons of refusals are logged once; further ones are logged every time.
_MAX_REPORTED = 100


class RefusedError(Exception):
    """The gateway answered a frame with a `status` error, or with the wrong kind of answer."""


class GatewaySession:
    """
    Sends frames, matches answers to requests, and passes commands to `on_command`.

    `is_hos` is whether the server is a gateway of the device layer, which understands `sync` and
    `confirm`; another rosbridge server requires that topics are advertised instead. `needs_token`
    is whether the gateway waits for a token.
    """

    def __init__(
        self,
        socket: ClientConnection,
        outbox: Outbox,
        on_command: Callable[[CallService], ServiceResponse],
    ) -> None:
        self._socket = socket
        self._outbox = outbox
        self._on_command = on_command
        headers = socket.response.headers if socket.response is not None else {}
        stated = headers.get(_MAX_FRAME_HEADER, '')
        self.is_hos = stated.isdecimal()
        self.max_frame_bytes = int(stated) if self.is_hos else _STOCK_MAX_FRAME_BYTES
        self.needs_token = headers.get(_AUTHENTICATION_HEADER) == 'required'
        self._numbers = itertools.count(1)
        self._requests: dict[FrameId, asyncio.Future[Frame]] = {}
        self._is_over = False
        self._advertised: set[str] = set()
        self._reported: set[str] = set()
        self._has_unsent = asyncio.Event()
        self._has_unconfirmed = asyncio.Event()

    async def read(self) -> None:
        """Process incoming frames until the connection ends."""
        async for text in self._socket:
            try:
                frame = decode(text)
            except FrameError as error:
                _log.debug('ignored an invalid frame from the gateway: %s', error)
                continue
            if isinstance(frame, CallService):
                await self.send([self._on_command(frame)])
            elif isinstance(frame, (ServiceResponse, Sync, Confirm, Status)):
                self._handle_answer(frame)

    async def send(self, frames: Iterable[Frame]) -> None:
        """Send frames in order; raises ConnectionError, like every method that sends."""
        for frame in frames:
            await self._send_text(encode(frame))

    async def publish(self, publication: Publication) -> None:
        """Publish a message without waiting for its confirmation."""
        await self._advertise(publication.topic)
        await self._send_text(publication.text())

    def next_id(self, what: str) -> str:
        """Return an id for a request that no other request of this session has."""
        return f'{what}:{next(self._numbers)}'

    async def request(self, frames: list[Frame], kind: type[_Answer]) -> _Answer:
        """
        Send frames and return the answer to the last one, which must be of a kind.

        Raises RefusedError, also if the answer is of another kind.
        """
        if self._is_over:
            raise ConnectionError('the connection was lost')
        frame_id = frames[-1].id
        future: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._requests[frame_id] = future
        try:
            await self.send(frames)
            answer = await future
        finally:
            self._requests.pop(frame_id, None)
        if not isinstance(answer, kind):
            found = type(answer).__name__
            raise RefusedError(f'expected the answer {kind.__name__} to {frame_id}, got {found}')
        return answer

    async def confirm(self) -> None:
        """
        Wait until the device manager has handled everything that was sent before.

        Another rosbridge server only confirms that it has read everything. Raises RefusedError.
        """
        if self.is_hos:
            await self.request([Confirm(id=self.next_id('confirm'))], Confirm)
            return
        try:
            await (await self._socket.ping())
        except ConnectionClosed as error:
            raise ConnectionError(str(error)) from None

    def fail_requests(self) -> None:
        """End every request with a ConnectionError, also later ones."""
        self._is_over = True
        for future in self._requests.values():
            if not future.done():
                future.set_exception(ConnectionError('the connection was lost'))

    def notify_outbox(self) -> None:
        """Send what has been added to the outbox."""
        self._has_unsent.set()

    async def send_outbox(self) -> None:
        """Send what is in the outbox, and what is added to it, until the connection ends."""
        self._has_unsent.set()
        while True:
            await self._has_unsent.wait()
            self._has_unsent.clear()
            await self.send_unsent()
            self._has_unconfirmed.set()

    async def send_unsent(self) -> None:
        """Send what is in the outbox now."""
        for topic, text in self._outbox.take_unsent(self.max_frame_bytes):
            await self._advertise(topic)
            await self._send_text(text)

    async def confirm_outbox(self, interval_s: float) -> None:
        """
        Find out what has arrived: one confirmation for all that was sent in between.

        Two confirmations are at least `interval_s` [s] apart.
        """
        while True:
            await self._has_unconfirmed.wait()
            self._has_unconfirmed.clear()
            if self._outbox.has_unconfirmed:
                mark = self._outbox.mark
                await self.confirm()
                self._outbox.confirm(mark)
                if interval_s:
                    await asyncio.sleep(interval_s)

    async def _advertise(self, topic: str) -> None:
        if self.is_hos or topic in self._advertised:
            return
        self._advertised.add(topic)
        await self.send([Advertise(topic=topic, type=parse_topic(topic).kind.value)])

    async def _send_text(self, text: str) -> None:
        try:
            await self._socket.send(text)
        except ConnectionClosed as error:
            raise ConnectionError(str(error)) from None

    def _handle_answer(self, frame: ServiceResponse | Sync | Confirm | Status) -> None:
        future = self._requests.get(frame.id)
        if isinstance(frame, Status):
            error = RefusedError(frame.msg)
            if future is not None and not future.done():
                future.set_exception(error)
            elif frame.level == 'error':
                self._report(frame)
        elif future is not None and not future.done():
            future.set_result(frame)

    def _report(self, status: Status) -> None:
        is_publication = self._outbox.refuse(status.id, status.msg)
        what = 'a result or a sample' if is_publication else 'a frame'
        level = logging.DEBUG if status.msg in self._reported else logging.WARNING
        if len(self._reported) < _MAX_REPORTED:
            self._reported.add(status.msg)
        _log.log(level, 'the gateway refused %s: %s', what, shortened(status.msg, 300))
