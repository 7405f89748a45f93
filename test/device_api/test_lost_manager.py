from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from calling import LATER, call, finish, make_ready, spin_until
from stand_in_manager import REPORTS_BEFORE_IT_ANSWERS

from hos_device_layer.device_api import CallFailedError

# A process that is killed tells nobody. This is how long others then take it for alive; DDS's own
# default is 20 s.
_PROFILES = """<?xml version="1.0"?>
<profiles xmlns="http://www.eprosima.com/XMLSchemas/fastRTPS_Profiles">
  <participant profile_name="p" is_default_profile="true"><rtps><builtin><discovery_config>
    <leaseDuration><sec>2</sec></leaseDuration>
    <leaseAnnouncement><sec>0</sec><nanosec>500000000</nanosec></leaseAnnouncement>
  </discovery_config></builtin></rtps></participant>
</profiles>
"""


@pytest.fixture
def start_manager(tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    profiles = tmp_path / 'profiles.xml'
    profiles.write_text(_PROFILES)
    # Shared memory that a killed process leaves behind could upset the next one.
    environment = os.environ | {
        'FASTRTPS_DEFAULT_PROFILES_FILE': str(profiles),
        'FASTDDS_BUILTIN_TRANSPORTS': 'UDPv4',
    }
    script = Path(__file__).parents[1] / 'support' / 'stand_in_manager.py'
    processes = []

    def start() -> subprocess.Popen[bytes]:
        processes.append(subprocess.Popen([sys.executable, str(script)], env=environment))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait()


@pytest.mark.parametrize('how', [signal.SIGTERM, signal.SIGKILL])
def test_pending_calls_fail_when_the_manager_is_killed_and_its_successor_is_found(
    executor, node, start_manager, how
) -> None:
    process = start_manager()
    make_ready(executor, node)
    running = [call(node, LATER, n) for n in range(20)]
    spin_until(executor, lambda: all(info.future.done() for info in running))
    process.send_signal(how)
    process.wait()
    unanswered = [call(node, LATER, n) for n in range(20)]
    finish(executor, *running, *unanswered)

    for info in running:
        with pytest.raises(CallFailedError, match='ended before it reported') as raised:
            info.parse()
        assert raised.value.task_id == info.future.result().task_id > 0
    for info in unanswered:
        with pytest.raises(CallFailedError, match=r'ended before|no device manager found'):
            info.parse()

    start_manager()
    again = call(node, REPORTS_BEFORE_IT_ANSWERS, 'again')
    finish(executor, again)
    assert again.parse().n == 'again'


def test_a_manager_that_restarts_before_its_end_is_noticed(executor, node, start_manager) -> None:
    first = start_manager()
    make_ready(executor, node)
    lost = call(node, LATER, 'lost')
    spin_until(executor, lost.future.done)
    first.kill()
    first.wait()
    start_manager()
    finish(executor, lost)

    with pytest.raises(CallFailedError, match='ended before it reported'):
        lost.parse()
    again = call(node, REPORTS_BEFORE_IT_ANSWERS)
    finish(executor, again)
    assert again.parse().n == '0'
