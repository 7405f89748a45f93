"""What drivers may do wrong, and what listeners, workers and jobs make of it."""

from __future__ import annotations

import queue
import threading
from typing import Any

import pytest
from fake_fleet import UID, Anything, fleet, row
from running_host import Rig, running_host

from hos_client.host import (
    Action,
    DetectedDevice,
    DeviceUnavailableError,
    Driver,
    EventManager,
    Info,
    Interface,
    event_manager,
)
from hos_client.host.action_runs import REMEMBERED, RecentRuns
from hos_client.host.detector import Detector
from hos_client.host.device_registry import DeviceState
from hos_client.host.supervisor import MAX_WAITING, Supervisor

STOP = next(f for f in fleet().functions if f.name == 'shaker_stop')


class Shelf(Interface):
    """Devices that are there because the test says so."""

    connection_type = 'fake'
    _loop_delay = 0.02

    def __init__(self) -> None:
        self.devices: dict[str, Info] = {'one': {'names': ('K6101',)}}

    def get_devices(self) -> dict[str, Info]:
        return self.devices


def shelf_on(rig: Rig) -> Shelf:
    shelf = Shelf()
    rig.host.add_interface(shelf)
    return shelf


# Jobs


def test_the_same_id_runs_once_and_a_failed_one_again() -> None:
    memory = RecentRuns()
    run, is_new = memory.admit(Action(1, 'x'), 0.0)
    assert is_new and memory.admit(Action(1, 'x'), 0.0) == (run, False)
    assert run.succeed(5) and not run.fail(ValueError())
    outcomes: list[Any] = []
    again, is_new = memory.admit(Action(1, 'x'), 0.0)
    again.when_done(lambda *outcome: outcomes.append(outcome))
    assert not is_new and outcomes == [(5, None)]
    failed, _ = memory.admit(Action(2, 'x'), 0.0)
    assert memory.unfinished() == [failed]
    failed.fail(ValueError('door'))
    retry, is_new = memory.admit(Action(2, 'x'), 0.0)
    assert is_new and retry is not failed and memory.unfinished() == [retry]


def test_only_the_last_jobs_are_remembered() -> None:
    memory = RecentRuns()
    for n in range(REMEMBERED + 1):
        memory.admit(Action(n, 'x'), 0.0)[0].succeed(None)
    assert memory.admit(Action(REMEMBERED, 'x'), 0.0)[1] is False
    assert memory.admit(Action(0, 'x'), 0.0)[1] is True


def test_an_id_that_comes_twice_from_the_platform_runs_once() -> None:
    ran: list[int] = []

    class Counting(Anything):
        def action(self, data: Action) -> Any:
            ran.append(data.id)
            return {'n': len(ran)}

    with running_host(Counting) as rig:
        shelf_on(rig)
        rig.wait_for(DeviceState.READY)
        assert rig.event('connect') == ('connect', UID)
        assert rig.call(STOP, cmd_id=1) == (True, '', '{"n":1}')
        assert rig.call(STOP, cmd_id=1) == (True, '', '{"n":1}')
        assert rig.call(STOP, cmd_id=2) == (True, '', '{"n":2}')
    assert ran == [1, 2]


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


# Drivers that fail


class RaisingInSupported(Anything):
    priority = 9

    @classmethod
    def supported(cls, device: DetectedDevice) -> bool:
        raise RuntimeError('no idea')


class RaisingInConstructor(Anything):
    priority = 8

    def __init__(self, identifier: str, device: DetectedDevice) -> None:
        raise RuntimeError('cannot be made')


def test_drivers_that_raise_are_left_out_and_the_next_is_asked(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with running_host(RaisingInSupported, RaisingInConstructor, Anything) as rig:
        shelf_on(rig)
        assert rig.wait_for(DeviceState.READY).driver == 'Anything'
    assert 'no idea' in caplog.text and 'cannot be made' in caplog.text
    with running_host(RaisingInConstructor) as rig:
        shelf_on(rig)
        report = rig.wait_for(DeviceState.UNSUPPORTED)
        assert 'RaisingInConstructor failed: RuntimeError: cannot be made' in report.reason


def test_a_disconnect_that_raises_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    class Raising(Anything):
        def disconnect(self) -> None:
            raise RuntimeError('will not go')

    with running_host(Raising) as rig:
        shelf = shelf_on(rig)
        rig.wait_for(DeviceState.READY)
        shelf.devices = {}
        rig.wait_for(DeviceState.GONE)
    assert 'will not go' in caplog.text


def test_a_device_that_is_not_available_in_an_action_is_opened_anew() -> None:
    class Flaky(Anything):
        created = 0

        def __init__(self, identifier: str, device: DetectedDevice) -> None:
            super().__init__(identifier, device)
            Flaky.created += 1

        def action(self, data: Action) -> Any:
            if Flaky.created == 1:
                raise DeviceUnavailableError('the line is dead')
            return {'made': Flaky.created}

    with running_host(Flaky) as rig:
        shelf_on(rig)
        rig.wait_for(DeviceState.READY)
        assert rig.event('connect')
        assert rig.call(STOP, cmd_id=1) == (False, 'the line is dead', '')
        rig.wait_for(DeviceState.READY)
        assert rig.event('connect')
        assert rig.call(STOP, cmd_id=2) == (True, '', '{"made":2}')


def test_a_result_that_cannot_be_sent_is_a_failure() -> None:
    class Odd(Anything):
        def action(self, data: Action) -> Any:
            return {'x': object()}

    with running_host(Odd) as rig:
        shelf_on(rig)
        rig.wait_for(DeviceState.READY)
        assert rig.event('connect')
        success, error, _ = rig.call(STOP)
        assert not success and 'cannot send these values' in error


# Interfaces that fail


def test_an_interface_that_fails_keeps_what_was_there(
    caplog: pytest.LogCaptureFixture,
) -> None:
    looks: queue.Queue[Any] = queue.Queue()
    failed = threading.Event()

    class Failing(Shelf):
        def get_devices(self) -> dict[str, Info]:
            if looks.qsize() == 1 and not failed.is_set():
                failed.set()
                raise OSError('the bus is down')
            return self.devices

    detector = Detector(Failing(), lambda *look: looks.put(look))
    detector.start()
    first = looks.get(timeout=10)
    looks.put(first)
    assert failed.wait(10)
    looks.get(timeout=10)
    assert looks.get(timeout=10) == first
    detector.stop()
    detector.join(10)
    assert caplog.text.count('the interface Failing failed: OSError: the bus is down') == 1


def test_a_loop_delay_of_0_looks_once() -> None:
    looks: queue.Queue[Any] = queue.Queue()
    closed = threading.Event()

    class Once(Shelf):
        _loop_delay = 0

        def close(self) -> None:
            closed.set()

    detector = Detector(Once(), lambda *look: looks.put(look))
    detector.start()
    assert looks.get(timeout=10)[0] == 'fake'
    detector.stop()
    detector.join(10)
    assert closed.is_set() and looks.empty()


# Events


def test_every_listener_is_told_and_one_that_raises_stops_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    heard: list[Any] = []

    class Listener:
        def device_changed(self, driver: Driver) -> None:
            heard.append(dict(driver.data))

        def device_identified(self, driver: Driver, uid: int) -> None:
            heard.append(uid)

        def device_lost(self, driver: Driver, reason: str) -> None:
            heard.append(reason)

    class Raising(Listener):
        def device_changed(self, driver: Driver) -> None:
            raise RuntimeError('in a listener')

    events, driver = EventManager(), Anything('one', DEVICE)
    raising, listener = Raising(), Listener()
    events.add_listener(raising)
    events.add_listener(listener)
    driver.data = {'mass': {'mass': 1}}
    events.device_changed(driver)
    events.device_identified(driver, 7)
    events.device_lost(driver, 'gone')
    assert heard == [{'mass': {'mass': 1}}, 7, 7, 'gone', 'gone']
    assert 'in a listener' in caplog.text
    events.remove_listener(listener)
    events.device_changed(driver)
    assert len(heard) == 5


def test_samples_of_several_streams() -> None:
    drivers: queue.Queue[Driver] = queue.Queue()

    class Sampling(Anything):
        def __init__(self, identifier: str, device: DetectedDevice) -> None:
            super().__init__(identifier, device)
            drivers.put(self)

    with running_host(Sampling) as rig:
        shelf_on(rig)
        rig.wait_for(DeviceState.READY)
        assert rig.event('connect')
        driver = drivers.get(timeout=10)
        driver.data = {'speed': {'speed': 300}, 'temperature': [21.5]}
        event_manager.device_changed(driver)
        assert rig.event('sample') == ('sample', UID, 'speed', '{"speed":300}')
        assert rig.event('sample') == ('sample', UID, 'temperature', 'V21.5')
