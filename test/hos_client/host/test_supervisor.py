"""The supervisor of one device."""

from __future__ import annotations

import queue
import threading
from typing import Any

from fake_fleet import Anything, row

from hos_client.host import (
    Action,
    DetectedDevice,
    Driver,
)
from hos_client.host.supervisor import MAX_WAITING, Supervisor


class Quiet:
    """A host that hears what a worker tells."""

    def __init__(self) -> None:
        self.heard: queue.Queue[tuple[Any, ...]] = queue.Queue()

    def created(self, attempt: int, driver: type[Driver]) -> None:
        self.heard.put(('made', attempt, driver))

    def unsupported(self, attempt: int, reason: str) -> None:
        self.heard.put(('not_supported', attempt, reason))

    def unavailable(self, attempt: int, reason: str) -> None:
        self.heard.put(('not_available', attempt, reason))

    def ended(self, attempt: int) -> None:
        self.heard.put(('ended', attempt))

    def lost(self, attempt: int, reason: str) -> None:
        self.heard.put(('lost', attempt, reason))


DEVICE = DetectedDevice('one', 'fake', {}, row())


def test_more_actions_than_a_device_can_have_waiting_are_refused() -> None:
    release, events = threading.Event(), Quiet()

    class Slow(Anything):
        def action(self, data: Action) -> Any:
            release.wait()
            return data.id

    supervisor = Supervisor(1, DEVICE, [Slow], events)
    supervisor.start()
    assert events.heard.get(timeout=10)[0] == 'made'
    runs = [supervisor.put(Action(n, 'x'), 1e12) for n in range(MAX_WAITING + 20)]
    refused = [run for run in runs if run.has_failed]
    assert 15 <= len(refused) <= 20
    release.set()
    done = threading.Event()
    runs[50].when_done(lambda *_: done.set())
    assert done.wait(10)
    supervisor.stop('over')
    assert events.heard.get(timeout=10) == ('ended', 1)
    assert supervisor.put(Action(999, 'x'), 1e12).has_failed


def test_a_driver_made_after_the_end_is_let_go_of() -> None:
    begun, release, let_go, events = threading.Event(), threading.Event(), [], Quiet()

    class Late(Anything):
        def __init__(self, identifier: str, device: DetectedDevice) -> None:
            super().__init__(identifier, device)
            begun.set()
            release.wait()

        def disconnect(self) -> None:
            let_go.append(self.identifier)

    supervisor = Supervisor(1, DEVICE, [Late], events)
    supervisor.start()
    assert begun.wait(10)
    supervisor.stop('over')
    release.set()
    assert events.heard.get(timeout=10)[0] == 'made'
    assert events.heard.get(timeout=10) == ('ended', 1)
    assert let_go == ['one']
