"""Many devices at once: healthy devices stay connected, and idle ones use no processor time."""

from __future__ import annotations

import pytest
from crowd import Pinger, crowd_of, start_crowded_manager
from managers import ManagerStarter, RunningManager
from ros_peers import finish_at_once, mute_device
from sample_fleet import SampleDevice

COUNT = 250


@pytest.fixture(scope='module')
def crowd() -> list[SampleDevice]:
    return crowd_of(COUNT)


@pytest.fixture(scope='module')
def crowded_manager(
    module_starter: ManagerStarter, tmp_path_factory, crowd: list[SampleDevice]
) -> RunningManager:
    folder = tmp_path_factory.mktemp('crowd')
    return start_crowded_manager(module_starter, folder, crowd, device_timeout_s=3)


@pytest.fixture(scope='module')
def pinger(crowded_manager: RunningManager, crowd: list[SampleDevice]):
    # Each device pings twice a second: a load that leaves a slow machine room.
    pinger = Pinger(crowded_manager, crowd, turns=10)
    yield pinger
    pinger.stop()


def test_hundreds_of_healthy_devices_never_time_out(
    crowded_manager: RunningManager, crowd: list[SampleDevice], pinger: Pinger
) -> None:
    pinger.wait_for_rounds(10)
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
