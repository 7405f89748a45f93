"""Many devices at once: healthy devices stay connected, and idle ones use no processor time."""

from __future__ import annotations

import signal
import threading

import pytest
from manager_process import PATIENCE_S
from managers import ManagerStarter, RunningManager
from ros_peers import finish_at_once, mute_device
from sample_fleet import SampleDevice, sample_tables

from hos_device_layer.database import LocalCopy

COUNT = 250

# Each device pings twice a second: a load that leaves a slow machine room [s].
TICK_S = 0.05

FIRST_UID = 50_000


@pytest.fixture(scope='module')
def crowd() -> list[SampleDevice]:
    return [SampleDevice(f'C{i:03}', FIRST_UID + i, 'Bench') for i in range(COUNT)]


@pytest.fixture(scope='module')
def crowded_manager(
    module_starter: ManagerStarter, tmp_path_factory, crowd: list[SampleDevice]
) -> RunningManager:
    rows = [
        {'device_id': d.device_id, 'device_uid': d.uid, 'device_type': d.device_type}
        for d in crowd
    ]
    folder = tmp_path_factory.mktemp('crowd')
    LocalCopy(folder).write({**sample_tables(), 'fleet-crowd': rows})
    manager: RunningManager = module_starter.start(
        fleet='crowd', device_db_path=folder, device_timeout_s=3, diagnostics_period_s=0.5
    )
    return manager


class Pinger:
    """Pings for many devices, each of them several times within a timeout."""

    def __init__(self, manager: RunningManager, crowd: list[SampleDevice]) -> None:
        self.rounds = 0
        self._crowd = crowd
        self._side = manager.side
        self._turn = 0
        self._news = threading.Condition()
        self._timer = manager.side.node.create_timer(TICK_S, self._ping_some)

    def wait_for_rounds(self, rounds: int) -> None:
        with self._news:
            until = self.rounds + rounds
            assert self._news.wait_for(lambda: self.rounds >= until, PATIENCE_S)

    def stop(self) -> None:
        self._timer.cancel()

    def _ping_some(self) -> None:
        # A tenth of them each time: a round is short beside the timeout.
        for device in self._crowd[self._turn :: 10]:
            self._side.ping(device.uid)
        self._turn = (self._turn + 1) % 10
        if self._turn == 0:
            with self._news:
                self.rounds += 1
                self._news.notify_all()


@pytest.fixture(scope='module')
def pinger(crowded_manager: RunningManager, crowd: list[SampleDevice]):
    pinger = Pinger(crowded_manager, crowd)
    futures = [crowded_manager.side.connect_async(device.uid) for device in crowd]
    crowded_manager.caller.wait_for(lambda: all(future.done() for future in futures))
    assert all(future.result().success for future in futures)
    yield pinger
    pinger.stop()


def test_hundreds_of_healthy_devices_never_time_out(
    crowded_manager: RunningManager, crowd: list[SampleDevice], pinger: Pinger
) -> None:
    pinger.wait_for_rounds(10)
    assert len(crowded_manager.caller.connected_devices()) == COUNT
    assert crowded_manager.caller.event_count('timeout') == 0


def test_a_pause_of_the_manager_times_no_device_out(
    crowded_manager: RunningManager, crowd: list[SampleDevice], pinger: Pinger
) -> None:
    process = crowded_manager.program.process
    process.send_signal(signal.SIGSTOP)
    # Longer than the timeout of a device.
    pinger.wait_for_rounds(8)
    process.send_signal(signal.SIGCONT)
    pinger.wait_for_rounds(5)
    assert len(crowded_manager.caller.connected_devices()) == COUNT
    assert crowded_manager.caller.event_count('timeout') == 0


def test_a_manager_of_hundreds_of_devices_ends_on_a_signal(
    crowded_manager: RunningManager, pinger: Pinger
) -> None:
    pinger.stop()
    crowded_manager.program.stop()


def test_devices_that_never_answer_use_no_processor_time(manager: RunningManager) -> None:
    row = next(manager.pool.benches)
    mute = mute_device(manager.side, row)
    manager.side.connect(row.uid)
    absent, silent = next(manager.pool.benches), manager.bench()
    manager.side.connect(absent.uid)
    for device_id in (row.device_id, absent.device_id, silent.device_id):
        manager.caller.call(device_id, 'rest')
    healthy = manager.bench(finish_at_once)
    assert manager.caller.result(manager.caller.call(healthy.device_id, 'rest')).success
    # 20 diagnostics are 2 s: a loop that spins hot would use them up, and work uses little.
    before, count = manager.program.cpu_s(), manager.caller.diagnostics_count
    manager.caller.wait_for(lambda: manager.caller.diagnostics_count >= count + 20)
    assert manager.program.cpu_s() - before < 0.7
    mute.destroy_node()
