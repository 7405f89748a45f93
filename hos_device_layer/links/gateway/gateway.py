"""The gateway: devices, programs and browsers over WebSocket; independent of ROS."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import cast

from ...core.dispatch.commands import Command
from ...core.dispatch.effects import Reply
from ...core.dispatch.events import Event
from ...core.rosbridge import Broker, PublishedMessage, Relay
from .bridge import ManagerBridge, Wake
from .errors import GatewayError
from .host_files import HostFiles
from .mailbox import Job
from .server import GatewayServer
from .settings import GatewaySettings


class Gateway:
    """
    Serves devices and callers over WebSocket, on a thread of its own.

    Events are passed to `handle` on the thread that runs the functions passed to `wake`. All
    methods may be called from any thread. It listens on `port` after `open`.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        handle: Callable[[Event], Reply | None],
        wake: Wake,
    ) -> None:
        self.host_files = HostFiles()
        self._broker = Broker()
        self._bridge = ManagerBridge(handle, wake, lambda job: self._server.wake(job))
        self._server = GatewayServer(settings, self._broker, self._bridge, self.host_files)
        self.port = 0

    def open(self, opened: Callable[[GatewayError | None], object]) -> None:
        """
        Begin to listen; returns at once, although a name server may need long to answer.

        `opened` is called on the thread of `handle`, before any event, with None or the reason
        why the gateway cannot listen; not at all if `stop` is called before.
        """
        to_manager = self._bridge.to_manager
        self._server.start(
            lambda started: to_manager.put(functools.partial(self._opened, opened, started))
        )

    def stop(self) -> None:
        """Close every connection, or do not open the gateway."""
        self._server.stop()

    def send(self, command: Command, relay: Relay | None = None) -> None:
        """Send a command; its answer follows as an event, or goes to `relay` if there is one."""
        self._bridge.to_gateway.put(functools.partial(self._send, command, relay))

    def queue(self, job: Job) -> None:
        """Run a job on the thread of `handle`, after the events of the frames read before."""
        self._bridge.to_manager.put(job)

    def withdraw(self, uid: int, cmd_id: int | None = None) -> None:
        """Do not send a command that still waits for its device; None: any of them."""
        self._bridge.to_gateway.put(functools.partial(self._broker.withdraw, uid, cmd_id))

    def publish(self, topic: str, message: PublishedMessage, is_latched: bool = False) -> None:
        """Send a message to the peers that subscribe, or if it is latched, will subscribe."""
        self._bridge.to_gateway.put(
            functools.partial(self._broker.publish, topic, message, time.monotonic(), is_latched)
        )

    def forget_samples(self, uid: int) -> None:
        """Drop the latched samples of a device that was disconnected."""
        self._bridge.to_gateway.put(functools.partial(self._broker.forget_samples, uid))

    def is_wanted(self, topic: str) -> bool:
        """Return whether the messages of a topic must be published: a peer may receive them."""
        return self._broker.is_wanted(topic)

    def _opened(
        self, opened: Callable[[GatewayError | None], object], started: Future[int]
    ) -> None:
        if started.cancelled():
            return
        error = cast('GatewayError | None', started.exception())
        if error is None:
            self.port = started.result()
        opened(error)

    def _send(self, command: Command, relay: Relay | None) -> None:
        for event in self._broker.command(command, relay):
            self._bridge.to_manager.put(functools.partial(self._bridge.handle, event))
