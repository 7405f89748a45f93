"""The supervisor of one device."""

from __future__ import annotations

import queue
import threading
from typing import Any

from fake_fleet import Anything, row

from hos_client.host import Action, DetectedDevice, DeviceUnavailableError, Driver
from hos_client.host.action_runs import ActionRun
from hos_client.host.supervisor import MAX_WAITING, Supervisor


class EventRecorder:
    """Records the events of a supervisor."""

    def __init__(self) -> None:
        self.events: queue.Queue[tuple[Any, ...]] = queue.Queue()

    def created(self, attempt: int, driver: type[Driver]) -> None:
        self.events.put(('created', attempt, driver))

    def unsupported(self, attempt: int, reason: str) -> None:
        self.events.put(('unsupported', attempt, reason))

    def unavailable(self, attempt: int, reason: str) -> None:
        self.events.put(('unavailable', attempt, reason))

    def ended(self, attempt: int) -> None:
        self.events.put(('ended', attempt))

    def lost(self, attempt: int, reason: str) -> None:
        self.events.put(('lost', attempt, reason))


DEVICE = DetectedDevice('one', 'fake', {}, row())


def test_actions_beyond_the_limit_of_waiting_ones_are_refused() -> None:
    release, recorder = threading.Event(), EventRecorder()

    class Slow(Anything):
        def action(self, data: Action) -> Any:
            release.wait()
            return data.id

    supervisor = Supervisor(1, DEVICE, [Slow], recorder)
    supervisor.start()
    assert recorder.events.get(timeout=10)[0] == 'created'
    runs = [supervisor.put(Action(n, 'x'), 1e12) for n in range(MAX_WAITING + 20)]
    refused = [run for run in runs if run.has_failed]
    assert 15 <= len(refused) <= 20
    release.set()
    done = threading.Event()
    runs[50].when_done(lambda *_: done.set())
    assert done.wait(10)
    supervisor.stop('over')
    assert recorder.events.get(timeout=10) == ('ended', 1)
    assert supervisor.put(Action(999, 'x'), 1e12).has_failed


def test_a_driver_created_after_the_stop_is_closed() -> None:
    begun, release, recorder = threading.Event(), threading.Event(), EventRecorder()
    closed: list[str] = []

    class Late(Anything):
        def __init__(self, identifier: str, device: DetectedDevice) -> None:
            super().__init__(identifier, device)
            begun.set()
            release.wait()

        def disconnect(self) -> None:
            closed.append(self.identifier)

    supervisor = Supervisor(1, DEVICE, [Late], recorder)
    supervisor.start()
    assert begun.wait(10)
    supervisor.stop('over')
    release.set()
    assert recorder.events.get(timeout=10)[0] == 'created'
    assert recorder.events.get(timeout=10) == ('ended', 1)
    assert closed == ['one']


def started(*candidates: type[Driver]) -> tuple[Supervisor, EventRecorder]:
    recorder = EventRecorder()
    supervisor = Supervisor(1, DEVICE, candidates, recorder)
    supervisor.start()
    return supervisor, recorder


def outcome(run: ActionRun) -> tuple[Any, BaseException | None]:
    """Wait for the end of a run and return its result and its error."""
    outcomes: queue.Queue[tuple[Any, BaseException | None]] = queue.Queue()
    run.when_done(lambda result, error: outcomes.put((result, error)))
    return outcomes.get(timeout=10)


def test_without_a_driver_that_supports_it_a_device_is_unsupported() -> None:
    class Raising(Anything):
        @classmethod
        def supported(cls, device: DetectedDevice) -> bool:
            raise RuntimeError('no idea')

    _, recorder = started(Raising)
    kind, attempt, reason = recorder.events.get(timeout=10)
    assert (kind, attempt) == ('unsupported', 1)
    assert 'Raising failed: RuntimeError: no idea' in reason


def test_a_device_that_is_unavailable_is_not_offered_to_the_next_driver() -> None:
    class Busy(Anything):
        def __init__(self, identifier: str, device: DetectedDevice) -> None:
            raise DeviceUnavailableError('the port is busy')

    _, recorder = started(Busy, Anything)
    assert recorder.events.get(timeout=10) == ('unavailable', 1, 'the port is busy')
    assert recorder.events.empty()


def test_a_stop_fails_waiting_and_running_actions_with_its_reason() -> None:
    begun, release = threading.Event(), threading.Event()

    class Blocking(Anything):
        def action(self, data: Action) -> Any:
            begun.set()
            release.wait()

    supervisor, recorder = started(Blocking)
    runs = [supervisor.put(Action(n, 'x'), 1e12) for n in range(2)]
    assert begun.wait(10)
    supervisor.stop('the device was unplugged')
    assert all('the device was unplugged' in str(outcome(run)[1]) for run in runs)
    release.set()
    assert recorder.events.get(timeout=10)[0] == 'created'
    assert recorder.events.get(timeout=10) == ('ended', 1)


def test_an_overdue_action_names_what_the_driver_is_doing() -> None:
    begun, release = threading.Event(), threading.Event()

    class Blocking(Anything):
        def action(self, data: Action) -> Any:
            begun.set()
            release.wait()

    supervisor, _ = started(Blocking)
    running = supervisor.put(Action(1, 'stir', timeout_s=2.0), 1e12)
    assert begun.wait(10)
    waiting = supervisor.put(Action(2, 'weigh', timeout_s=3.0), 1e12)
    for run in (running, waiting):
        supervisor.expire(run)
    name = DEVICE.name
    assert str(outcome(running)[1]) == f'{name}: the driver did not finish within 2 s'
    assert str(outcome(waiting)[1]) == (
        f"{name}: not started within 3 s: the driver is busy with 'stir'"
    )
    release.set()
    supervisor.stop('over')


def test_a_driver_gets_the_rest_of_the_time_of_an_action() -> None:
    timeouts: list[float] = []

    class Listening(Anything):
        def action(self, data: Action) -> Any:
            timeouts.append(data.timeout_s)

    supervisor, _ = started(Listening)
    assert outcome(supervisor.put(Action(1, 'x', timeout_s=60.0), 0.0)) == (None, None)
    # Its deadline is long over; a driver gets a little time nevertheless.
    assert timeouts == [0.1]
    supervisor.stop('over')


def test_an_assigned_device_gives_the_driver_its_name() -> None:
    unknown = DetectedDevice('one', 'fake', {})
    recorder = EventRecorder()
    supervisor = Supervisor(1, unknown, [Anything], recorder)
    supervisor.start()
    assert recorder.events.get(timeout=10)[0] == 'created'
    assert supervisor.driver is not None and supervisor.driver.device_name == 'one'
    supervisor.assign(DEVICE)
    assert supervisor.driver.device is DEVICE
    assert (supervisor.driver.device_type, supervisor.driver.device_name) == ('Shaker', 'K6101')
    supervisor.stop('over')
