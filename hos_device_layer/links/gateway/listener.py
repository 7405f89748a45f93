"""Accepts connections: few at a time, so that the loop serves the others in between."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ...core.rosbridge.handshake_queue import HandshakeQueue
from .connection_guard import ConnectionGuard
from .memory import MemoryRelease

_log = logging.getLogger(__name__)

# A whole fleet connects at once after a restart: until they are accepted, the kernel keeps them.
_BACKLOG = 4096

# So many are accepted in one iteration of the loop, in about a millisecond.
_ACCEPTED_PER_TURN = 4

# How long no connection is accepted after the system has refused to open one [s].
_PAUSE_S = 1.0


class GatewayListener:
    """
    Listens on addresses and gives each connection to a guard.

    `create` returns a protocol of aiohttp, `key` the key under which an address is counted.
    """

    def __init__(
        self,
        create: Callable[[], asyncio.Protocol],
        context: ssl.SSLContext | None,
        unfinished: HandshakeQueue[ConnectionGuard],
        key: Callable[[tuple[Any, ...]], str],
    ) -> None:
        self._create = create
        self._context = context
        self._unfinished = unfinished
        self._key = key
        self._loop = asyncio.get_running_loop()
        self._memory = MemoryRelease()
        self._sockets: list[socket.socket] = []
        self._guards: set[ConnectionGuard] = set()

    def open(self, addresses: Sequence[tuple[int, tuple[Any, ...]]]) -> int:
        """Listen on addresses with their family; returns the port of the first one."""
        try:
            for family, address in addresses:
                self._sockets.append(_listening_socket(family, address))
        except BaseException:
            self.close()
            raise
        for listening in self._sockets:
            self._loop.add_reader(listening, self._accept, listening)
        return int(self._sockets[0].getsockname()[1])

    def close(self) -> None:
        """Accept no more connections; those that were accepted go on."""
        for listening in self._sockets:
            self._loop.remove_reader(listening)
            listening.close()
        self._sockets.clear()

    @property
    def has_connections(self) -> bool:
        """Whether a connection has not ended yet."""
        return bool(self._guards)

    def abort(self) -> None:
        """Close all connections at once."""
        self._memory.stop()
        for guard in tuple(self._guards):
            guard.abort()

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(_ACCEPTED_PER_TURN):
            try:
                connection, address = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._pause(listening, error)
                return
            connection.setblocking(False)
            self._guard(connection, self._key(address))

    def _pause(self, listening: socket.socket, error: OSError) -> None:
        _log.error('the gateway cannot accept a connection: %s', error.strerror or error)
        self._loop.remove_reader(listening)
        self._loop.call_later(_PAUSE_S, self._go_on, listening)

    def _go_on(self, listening: socket.socket) -> None:
        if listening in self._sockets:
            self._loop.add_reader(listening, self._accept, listening)

    def _guard(self, connection: socket.socket, key: str) -> None:
        guard = ConnectionGuard(key, self._create, self._finished, self._ended)
        self._guards.add(guard)
        replaced = self._unfinished.add(guard, key)
        if replaced is not None:
            replaced.abort()
        guard.connecting = self._loop.create_task(
            self._loop.connect_accepted_socket(lambda: guard, connection, ssl=self._context)
        )
        guard.connecting.add_done_callback(partial(self._connected, guard, connection))

    def _connected(
        self, guard: ConnectionGuard, connection: socket.socket, connecting: asyncio.Task[Any]
    ) -> None:
        guard.connecting = None
        if connecting.cancelled() or connecting.exception() is not None:
            connection.close()
            guard.stop_timers()
            self._ended(guard)

    def _finished(self, guard: ConnectionGuard) -> None:
        self._unfinished.remove(guard, guard.address)

    def _ended(self, guard: ConnectionGuard) -> None:
        self._finished(guard)
        if guard in self._guards:
            self._guards.remove(guard)
            self._memory.ended()


def _listening_socket(family: int, address: tuple[Any, ...]) -> socket.socket:
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setblocking(False)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # IPv4 has a socket of its own.
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except BaseException:
        listening.close()
        raise
    return listening
