from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from calling import LATER, call, finish, make_ready, spin_until
from rclpy.executors import Executor
from rclpy.experimental import EventsExecutor
from rclpy.node import Node
from stand_in_manager import FINISHES_ALL, REPORTS_BEFORE_IT_ANSWERS

from hos_device_layer.device_api import CallFailedError
from hos_device_layer.device_api_client import client_of

# A process that is killed tells nobody. DDS would take it for alive for as long as this, so only
# the lease of the status topic can tell that it ended.
_PROFILES = """<?xml version="1.0"?>
<profiles xmlns="http://www.eprosima.com/XMLSchemas/fastRTPS_Profiles">
  <participant profile_name="p" is_default_profile="true"><rtps><builtin><discovery_config>
    <leaseDuration><sec>3600</sec></leaseDuration>
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


def meet(executor: Executor, node: Node) -> None:
    """Make a call, and hear from the manager: DDS tells the end only of those that were heard."""
    make_ready(executor, node)
    spin_until(executor, lambda: client_of(node)._watch.status is not None)


@pytest.mark.parametrize('how', [signal.SIGTERM, signal.SIGKILL])
def test_pending_calls_fail_when_the_manager_is_killed_and_its_successor_is_found(
    executor, node, start_manager, how
) -> None:
    process = start_manager()
    meet(executor, node)
    running = [call(node, LATER, n) for n in range(200)]
    spin_until(executor, lambda: all(info.future.done() for info in running))
    process.send_signal(how)  # it becomes a zombie: nobody waits for it yet
    unanswered = [call(node, LATER, n) for n in range(200)]
    finish(executor, *running, *unanswered)

    for info in running:
        with pytest.raises(CallFailedError, match='ended or is out of reach') as raised:
            info.parse()
        assert raised.value.task_id == info.future.result().task_id > 0
    for info in unanswered:
        with pytest.raises(CallFailedError, match=r'ended or is out|no device manager found'):
            info.parse()

    start_manager()
    again = call(node, REPORTS_BEFORE_IT_ANSWERS, 'again')
    finish(executor, again)
    assert again.parse().n == 'again'


def test_a_manager_that_restarts_before_its_end_is_noticed(executor, node, start_manager) -> None:
    first = start_manager()
    meet(executor, node)
    lost = call(node, LATER, 'lost')
    spin_until(executor, lost.future.done)
    first.kill()
    first.wait()
    start_manager()
    finish(executor, lost)

    with pytest.raises(CallFailedError, match='ended or is out of reach'):
        lost.parse()
    again = call(node, REPORTS_BEFORE_IT_ANSWERS)
    finish(executor, again)
    assert again.parse().n == '0'


@pytest.mark.parametrize('executor', [EventsExecutor], indirect=True)
def test_a_manager_that_is_stopped_for_a_while_has_not_ended(
    executor, node, start_manager
) -> None:
    process = start_manager()
    meet(executor, node)
    running = [call(node, LATER, n) for n in range(5)]
    spin_until(executor, lambda: all(info.future.done() for info in running))
    watch = client_of(node)._watch
    assert watch.status.pid == process.pid
    process.send_signal(signal.SIGSTOP)
    spin_until(executor, lambda: watch.liveliness() == (0, 1))
    checks = client_of(node)._checks
    spin_until(executor, lambda: client_of(node)._checks > checks + 1)
    assert not any(info.result.done() for info in running)

    process.send_signal(signal.SIGCONT)
    finish(executor, call(node, FINISHES_ALL), *running)
    assert [info.parse().n for info in running] == list('01234')


@pytest.mark.parametrize('executor', [EventsExecutor], indirect=True)
def test_a_stopped_manager_that_is_killed_has_ended(executor, node, start_manager) -> None:
    process = start_manager()
    meet(executor, node)
    info = call(node, LATER)
    spin_until(executor, info.future.done)
    process.send_signal(signal.SIGSTOP)
    spin_until(executor, lambda: client_of(node)._watch.liveliness() == (0, 1))
    process.kill()
    finish(executor, info)
    with pytest.raises(CallFailedError, match='ended or is out of reach'):
        info.parse()
