"""Which link leads to which device."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..core.dispatch.commands import Command
from ..core.spec.records import FleetDevice, Stream
from .link import DeviceEvents, Link


class Routes:
    """
    A link made of links: a device is reached by the one through which it last came.

    A device that comes through none in particular, since it was waiting when the specification
    changed, is reached by the first link that `reaches` it, else by the last.
    """

    def __init__(self) -> None:
        self._links: list[Link] = []
        self._by_uid: dict[int, Link] = {}
        self._through: Link | None = None

    def add(self, link: Link, events: DeviceEvents) -> RoutedEvents:
        """Add a link before the others; returns what it has to report to."""
        self._links.insert(0, link)
        return RoutedEvents(self, link, events)

    @contextmanager
    def through(self, link: Link) -> Iterator[None]:
        """Let devices that are opened meanwhile be reached by a link."""
        self._through = link
        try:
            yield
        finally:
            self._through = None

    def leads(self, uid: int, link: Link) -> bool:
        """Return whether a device is reached by a link, or by none yet."""
        return self._by_uid.get(uid, link) is link

    def open(self, device: FleetDevice, serialized: bool, streams: list[Stream]) -> None:
        assert device.uid is not None
        link = self._through or self._find(device.uid)
        former = self._by_uid.get(device.uid)
        if former is not None and former is not link:
            former.close(device.uid)
        self._by_uid[device.uid] = link
        link.open(device, serialized, streams)

    def send(self, command: Command) -> None:
        self._by_uid[command.uid].send(command)

    def forget(self, uid: int, cmd_id: int) -> None:
        if link := self._by_uid.get(uid):
            link.forget(uid, cmd_id)

    def close(self, uid: int) -> None:
        if link := self._by_uid.pop(uid, None):
            link.close(uid)

    def reaches(self, uid: int) -> bool:
        return any(link.reaches(uid) for link in self._links)

    def _find(self, uid: int) -> Link:
        return next((link for link in self._links if link.reaches(uid)), self._links[-1])


class RoutedEvents:
    """DeviceEvents of one link: what it reports about another link's devices does not count."""

    def __init__(self, routes: Routes, link: Link, events: DeviceEvents) -> None:
        self._routes = routes
        self._link = link
        self._events = events

    def connect(self, uid: int) -> tuple[bool, str]:
        with self._routes.through(self._link):
            return self._events.connect(uid)

    def ping(self, uid: int) -> None:
        with self._routes.through(self._link):
            self._events.ping(uid)

    def connection_closed(self, uid: int) -> None:
        if self._routes.leads(uid, self._link):
            self._events.connection_closed(uid)

    def command_answered(self, cmd_id: int, is_valid: bool, error: str) -> None:
        self._events.command_answered(cmd_id, is_valid, error)

    def command_result(
        self, uid: int, cmd_id: int, success: bool, error: str, result_str: str
    ) -> None:
        self._events.command_result(uid, cmd_id, success, error, result_str)

    def stream_sample(self, uid: int, stream_name: str, data: str) -> None:
        self._events.stream_sample(uid, stream_name, data)
