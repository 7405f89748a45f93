"""
Guards the loop and the memory of the gateway against one connection.

A guard stands between a socket and aiohttp. It lets aiohttp see nothing before a request is
complete, and only a few WebSocket frames in each iteration of the loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from ...core.rosbridge import CloseReason, SessionLimits
from ...core.rosbridge.close_reasons import UNMASKED
from ...core.rosbridge.frame_scanner import FrameScanner, Scan
from ...core.rosbridge.rate_limits import TokenBucket

# How long a peer may take for the TLS handshake and its request [s].
HANDSHAKE_TIMEOUT_S = 10.0

# How long it may take to receive the response [s]: a file of 256 KiB over a slow radio link.
RESPONSE_TIMEOUT_S = 60.0

# A request has no body. Browsers send less than 2 KB, and cookies of other services [bytes].
MAX_REQUEST_BYTES = 16 * 1024

# What a peer may send before its request is answered [bytes].
_MAX_EARLY_BYTES = 64 * 1024

# So many frames are handled in one iteration of the loop, in less than a millisecond.
FRAMES_PER_TURN = 16

_END_OF_REQUEST = b'\r\n\r\n'
_TOO_LARGE = (
    b'HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n'
    b'Content-Length: 0\r\n\r\n'
)


class ConnectionGuard(asyncio.Protocol):
    """
    Passes the data of one connection to the protocol that `create` returns.

    `finished` is called when its handshake is complete, `ended` when the connection is lost.
    """

    __slots__ = (
        '_control',
        '_create',
        '_deadline',
        '_ended',
        '_finished',
        '_fragments',
        '_held',
        '_inner',
        '_is_inner_paused',
        '_is_reading',
        '_is_refused',
        '_is_write_paused',
        '_loop',
        '_position',
        '_refuse',
        '_scanner',
        '_timer',
        '_transport',
        '_unsent',
        '_was_heard',
        'address',
        'connecting',
    )

    def __init__(
        self,
        address: str,
        create: Callable[[], asyncio.Protocol],
        finished: Callable[[ConnectionGuard], object],
        ended: Callable[[ConnectionGuard], object],
    ) -> None:
        self.address = address
        self.connecting: asyncio.Task[Any] | None = None
        # Set when data comes, cleared by `was_silent`.
        self._was_heard = True
        self._create = create
        self._finished = finished
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._deadline = self._loop.call_later(HANDSHAKE_TIMEOUT_S, self.abort)
        self._transport: asyncio.Transport | None = None
        self._inner: asyncio.Protocol | None = None
        # What was received but not passed on begins at the position.
        self._held = b''
        self._position = 0
        self._is_reading = True
        self._is_inner_paused = False
        self._is_write_paused = False
        # What the peer had not read at the last look [bytes].
        self._unsent = 0
        # Frames
        self._scanner: FrameScanner | None = None
        self._timer: asyncio.Handle | None = None
        self._is_refused = False
        self._refuse: Callable[[CloseReason], object] = _ignore

    def abort(self) -> None:
        """Close the connection at once."""
        if self._transport is not None:
            self._transport.abort()
        elif self.connecting is not None:
            self.connecting.cancel()

    def was_silent(self) -> bool:
        """Return whether the peer has given no sign of life since the last call."""
        silent = not self._was_heard and (self._is_reading or self._is_stuck())
        self._was_heard = False
        return silent

    def _is_stuck(self) -> bool:
        """Whether aiohttp waits for the peer to read before it reads on, and the peer does not."""
        before = self._unsent
        self._unsent = 0 if self._transport is None else self._transport.get_write_buffer_size()
        return self._is_write_paused and self._unsent >= before

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the request."""
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass on what was received before, and the end."""
        self.stop_timers()
        self._transport = None
        if self._inner is not None:
            if self._scanner is not None and not self._is_refused:
                scan = self._scanner.scan(self._held, self._position, len(self._held))
                self._pass_on(scan.end)
            self._inner.connection_lost(exc)
            # They refer to this object.
            self._inner = None
            self._refuse = _ignore
        self._ended(self)

    def stop_timers(self) -> None:
        """Forget the deadline, and what was to be passed on later."""
        self._deadline.cancel()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def pause_writing(self) -> None:
        """Tell aiohttp that the peer does not read."""
        self._is_write_paused = True
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Tell aiohttp that the peer reads again."""
        self._is_write_paused = False
        if self._inner is not None:
            self._inner.resume_writing()

    def eof_received(self) -> bool | None:
        """Pass on that the peer sends nothing more; closes the connection."""
        return None if self._inner is None else self._inner.eof_received()

    def data_received(self, data: bytes) -> None:
        """Pass on a complete request, and then a few frames at a time."""
        self._was_heard = True
        if self._scanner is not None:
            self._receive_frames(data)
        elif self._inner is None:
            self._receive_request(data)
        else:
            self._held += data
            self._update_reading()

    def pause_reading(self) -> None:
        """Pass on nothing until `resume_reading`: the session handles what it has."""
        self._is_inner_paused = True
        self._update_reading()

    def resume_reading(self) -> None:
        """Pass on more frames, but not before aiohttp has returned."""
        self._is_inner_paused = False
        if self._timer is None and len(self._held) > self._position:
            self._timer = self._loop.call_soon(self._continue)
        self._update_reading()

    def begin_frames(self, limits: SessionLimits, refuse: Callable[[CloseReason], object]) -> None:
        """Pass on WebSocket frames from now on; `refuse` closes the session."""
        self._deadline.cancel()
        self._finished(self)
        now = self._loop.time()
        self._control = TokenBucket(limits.control_frames, limits.control_frames_per_s, now)
        self._fragments = TokenBucket(limits.frames, limits.frames_per_s, now)
        self._refuse = refuse
        self._scanner = FrameScanner()
        self._timer = self._loop.call_soon(self._continue)

    # Request

    def _receive_request(self, data: bytes) -> None:
        searched = max(0, len(self._held) - len(_END_OF_REQUEST) + 1)
        self._held += data
        end = self._held.find(_END_OF_REQUEST, searched)
        size = len(self._held) if end < 0 else end + len(_END_OF_REQUEST)
        if size > MAX_REQUEST_BYTES:
            assert self._transport is not None
            self._transport.write(_TOO_LARGE)
            self._transport.close()
        elif end >= 0 or not self._held[:1].isalpha():
            # What is not HTTP, perhaps TLS, has no such end, and is answered at once.
            self._begin_request(size)

    def _begin_request(self, end: int) -> None:
        assert self._transport is not None
        request, self._held = self._held[:end], self._held[end:]
        self._deadline.cancel()
        self._deadline = self._loop.call_later(RESPONSE_TIMEOUT_S, self.abort)
        self._inner = self._create()
        self._inner.connection_made(
            cast(asyncio.Transport, GuardedTransport(self, self._transport))
        )
        self._inner.data_received(request)
        self._update_reading()

    # Frames

    def _receive_frames(self, data: bytes) -> None:
        if self._is_refused:
            return
        self._held = self._held[self._position :] + data if self._held else data
        self._position = 0
        if self._timer is None and not self._is_inner_paused:
            self._pass_on_frames()

    def _continue(self) -> None:
        self._timer = None
        if not self._is_inner_paused:
            self._pass_on_frames()

    def _pass_on_frames(self) -> None:
        assert self._scanner is not None
        scan = self._scanner.scan(self._held, self._position, FRAMES_PER_TURN)
        self._pass_on(scan.end)
        if scan.is_unmasked:
            self._is_refused = True
            self._held, self._position = b'', 0
            self._refuse(UNMASKED)
            return
        delay = self._delay(scan) if scan.control or scan.fragments else 0.0
        if delay:
            self._timer = self._loop.call_later(delay, self._continue)
        elif scan.frames == FRAMES_PER_TURN:
            self._timer = self._loop.call_soon(self._continue)
        self._update_reading()

    def _delay(self, scan: Scan) -> float:
        now = self._loop.time()
        control = self._control.take(now, scan.control) if scan.control else 0.0
        fragments = self._fragments.take(now, scan.fragments) if scan.fragments else 0.0
        return max(control, fragments)

    def _pass_on(self, end: int) -> None:
        assert self._inner is not None
        start, size = self._position, len(self._held)
        if start == 0 and end == size:
            data, self._held = self._held, b''
        else:
            data = self._held[start:end]
            self._position = end
        if end == size:
            self._held, self._position = b'', 0
        if data:
            self._inner.data_received(data)

    def _update_reading(self) -> None:
        waits = self._timer is not None or self._is_inner_paused
        is_full = self._scanner is None and len(self._held) > _MAX_EARLY_BYTES
        wanted = not waits and not is_full
        if wanted is self._is_reading or self._transport is None:
            return
        self._is_reading = wanted
        if wanted:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()


def _ignore(_: CloseReason) -> None:
    """Refuse nothing: there is no session."""


class GuardedTransport:
    """The transport that aiohttp sees: its guard decides when data is read."""

    __slots__ = ('__weakref__', '_transport', 'guard')

    def __init__(self, guard: ConnectionGuard, transport: asyncio.Transport) -> None:
        self.guard = guard
        self._transport = transport

    def __getattr__(self, name: str) -> Any:
        """Return everything else of the transport itself."""
        return getattr(self._transport, name)

    def pause_reading(self) -> None:
        """Ask the guard to pass on nothing."""
        self.guard.pause_reading()

    def resume_reading(self) -> None:
        """Ask the guard to pass on more."""
        self.guard.resume_reading()
