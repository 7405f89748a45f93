"""A manager that is stopped, or that stutters: time goes on, and nothing that came is ignored."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from crowd import Pinger, crowd_of, start_crowded_manager
from managers import ManagerStarter, RunningManager
from ros_peers import Device

pytestmark = pytest.mark.slow

COUNT = 500
CALLED = 50
DEVICE_TIMEOUT_S = 4.0
RESULT_TIMEOUT_S = 8.0

# The stop of a process is what is tested, so these durations are no waiting [s].
STOPPED_S = 6.0
STUTTER_OFF_S, STUTTER_ON_S = 0.3, 0.1


class Crowded:
    """A manager with many devices, some of which take commands and do not report results."""

    def __init__(self, starter: ManagerStarter, folder: Path) -> None:
        crowd = crowd_of(COUNT)
        self.manager = start_crowded_manager(
            starter,
            folder,
            crowd,
            device_timeout_s=DEVICE_TIMEOUT_S,
            disconnect_on_timeout_count=1000,
            command_result_timeout_s=RESULT_TIMEOUT_S,
        )
        self.pinger = Pinger(self.manager, crowd, turns=20)
        self.devices = [Device(self.manager.side, row).connect() for row in crowd[:CALLED]]
        self.silent = crowd[-1]

    def call_all(self) -> dict[int, Device]:
        """Call each device; returns the devices by task id when all have accepted."""
        caller = self.manager.caller
        tasks = {caller.call(d.device_id, 'rest'): d for d in self.devices}
        for device in self.devices:
            device.command()
        # A device accepts a second command after the first: then the manager knows of the first.
        second = [caller.call(d.device_id, 'say', [('text', 'string', '')]) for d in self.devices]
        for device in self.devices:
            device.report(device.command().cmd_id, 'V')
        assert all(result.success for result in caller.results(second))
        return tasks

    def timeouts(self) -> int:
        return self.manager.caller.event_count('timeout')


@pytest.fixture(scope='module')
def crowded(
    module_starter: ManagerStarter, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Crowded]:
    crowded = Crowded(module_starter, tmp_path_factory.mktemp('crowd'))
    yield crowded
    crowded.pinger.stop()


@contextlib.contextmanager
def stopped(manager: RunningManager) -> Iterator[None]:
    process = manager.program.process
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


@contextlib.contextmanager
def stuttering(manager: RunningManager) -> Iterator[None]:
    end = threading.Event()

    def stutter() -> None:
        while not end.wait(STUTTER_ON_S):
            with stopped(manager):
                end.wait(STUTTER_OFF_S)

    thread = threading.Thread(target=stutter)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def durations_s(crowded: Crowded, task_ids: list[int]) -> list[float]:
    results = crowded.manager.caller.results(task_ids)
    assert not any(result.success for result in results)
    assert all('did not finish' in result.error for result in results), results[0].error
    return [result.response_time_s - result.request_time_s for result in results]


def test_a_stop_times_no_device_out_but_tasks_end_in_time(crowded: Crowded) -> None:
    assert crowded.timeouts() == 0
    tasks = crowded.call_all()
    reporting = set(list(tasks)[: CALLED // 2])
    with stopped(crowded.manager):
        for task_id in reporting:
            tasks[task_id].report(task_id)
        threading.Event().wait(STOPPED_S)
    crowded.pinger.wait_for_rounds(6)
    assert crowded.timeouts() == 0
    assert all(result.success for result in crowded.manager.caller.results(sorted(reporting)))
    # If the clock stood still during the stop, these would take 14 s.
    silent = durations_s(crowded, sorted(tasks.keys() - reporting))
    assert min(silent) >= RESULT_TIMEOUT_S and max(silent) < RESULT_TIMEOUT_S + STOPPED_S - 1


def test_stutters_make_no_task_longer_and_time_no_device_out(crowded: Crowded) -> None:
    tasks = crowded.call_all()
    with stuttering(crowded.manager):
        durations = durations_s(crowded, list(tasks))
    # If the clock stood still during the stutters, these would take 25 s.
    assert min(durations) >= RESULT_TIMEOUT_S and max(durations) < RESULT_TIMEOUT_S + 5
    crowded.pinger.wait_for_rounds(2)
    assert crowded.timeouts() == 0


def test_a_device_that_falls_silent_times_out_in_spite_of_stutters(crowded: Crowded) -> None:
    with stuttering(crowded.manager):
        crowded.pinger.silent.add(crowded.silent.uid)
        crowded.manager.caller.wait_for_events(crowded.silent.uid, 'connected', 'timeout')
    assert crowded.timeouts() == 1
