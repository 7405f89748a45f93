"""Accepting connections."""

from __future__ import annotations

import asyncio
import errno
import socket
import weakref
from typing import Any

import pytest
from manager_double import WAIT_S

from hos_device_layer.core.rosbridge.handshake_queue import HandshakeQueue
from hos_device_layer.links.gateway import listener as listener_module
from hos_device_layer.links.gateway import memory
from hos_device_layer.links.gateway.connection_guard import ConnectionGuard
from hos_device_layer.links.gateway.listener import GatewayListener


def new_listener() -> GatewayListener:
    unfinished = HandshakeQueue[ConnectionGuard](1_000, 1_000)
    return GatewayListener(asyncio.Protocol, None, unfinished, lambda address: str(address[0]))


def test_the_loop_goes_on_while_many_connections_wait() -> None:
    """asyncio would accept as many as the backlog holds, in one iteration."""

    async def run() -> int:
        listener = new_listener()
        port = listener.open([(socket.AF_INET, ('127.0.0.1', 0))])
        peers = []
        for _ in range(60):
            peers.append(socket.socket())
            peers[-1].setblocking(False)
            peers[-1].connect_ex(('127.0.0.1', port))
        most = 0
        while (before := len(listener._guards)) < len(peers):
            await asyncio.sleep(0)
            most = max(most, len(listener._guards) - before)
        listener.close()
        listener.abort()
        for peer in peers:
            peer.close()
        while listener._guards:
            await asyncio.sleep(0)
        return most

    assert 0 < asyncio.run(asyncio.wait_for(run(), WAIT_S)) <= listener_module._ACCEPTED_PER_TURN


class NoDescriptors:
    """A listening socket of a process that has no descriptor left, for a while."""

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening
        self.refusals = 0

    def accept(self) -> Any:
        if self.refusals < 2:
            self.refusals += 1
            raise OSError(errno.EMFILE, 'Too many open files')
        return self._listening.accept()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._listening, name)


def test_without_descriptors_accepting_pauses(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(listener_module, '_PAUSE_S', 0.05)

    async def run() -> int:
        listener = new_listener()
        monkeypatch.setattr(
            listener_module, '_listening_socket', lambda *a: NoDescriptors(listening_socket(*a))
        )
        port = listener.open([(socket.AF_INET, ('127.0.0.1', 0))])
        with socket.create_connection(('127.0.0.1', port)):
            while not listener._guards:
                await asyncio.sleep(0.01)
            listener.close()
            listener.abort()
            while listener._guards:
                await asyncio.sleep(0)
        return len(caplog.records)

    listening_socket = listener_module._listening_socket
    assert asyncio.run(asyncio.wait_for(run(), WAIT_S)) == 2
    assert 'cannot accept a connection: Too many open files' in caplog.text


def test_memory_is_released_when_a_storm_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, 'QUIET_S', 0.05)

    async def run() -> None:
        released = asyncio.Event()
        monkeypatch.setattr(memory, 'release', released.set)
        watch = memory.MemoryRelease()
        for _ in range(499):
            watch.ended()
        assert watch._timer is None
        watch.ended()
        await released.wait()
        assert watch._ended == 0

    asyncio.run(asyncio.wait_for(run(), WAIT_S))


def test_what_refers_to_itself_is_released() -> None:
    class Ring:
        def __init__(self) -> None:
            self.me = self

    ring = Ring()
    gone = weakref.ref(ring)
    del ring
    memory.release()
    assert gone() is None
