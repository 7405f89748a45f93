"""Several device managers in one namespace: one serves, and the others say why they end."""

from __future__ import annotations

import contextlib
import math
import signal
import subprocess
from typing import Any

import pytest
from hos_interfaces.msg import DeviceManagerStatus
from manager_process import Program
from managers import ManagerStarter, RunningManager
from ros_peers import Arguments, Caller, Device, Ros

from hos_device_layer import topics
from hos_device_layer.qos import STATUS_QOS

HELLO: Arguments = [('text', 'string', 'hello')]


def _answer(device: Device, request: Any) -> None:
    device.report(request.cmd_id, 'Vhello')


def refused(program: Program, holder: Program) -> None:
    """Assert that a manager has ended because of another one."""
    assert program.wait() == 1, program.output
    assert 'another device manager serves the namespace' in program.output
    assert f'process {holder.process.pid} on' in program.output
    assert 'devices expected' not in program.output and 'Traceback' not in program.output


def in_namespace(running: RunningManager) -> list[str]:
    return ['-r', f'__ns:={running.caller.node.get_namespace()}']


def test_a_second_manager_ends_and_disturbs_nothing(
    manager: RunningManager, starter: ManagerStarter
) -> None:
    device = manager.bench(_answer)
    # A ping connects the device to whichever manager serves.
    device.keep_pinging(0.05)
    calls = [manager.caller.call(device.device_id, 'say', HELLO) for _ in range(20)]
    second = starter.manager(*in_namespace(manager), gateway_port=0)
    while second.process.poll() is None:
        calls.append(manager.caller.call(device.device_id, 'say', HELLO))
    refused(second, manager.program)
    refusal = f'has to end: process {second.process.pid} on this computer'
    manager.program.wait_for_output(refusal)
    manager.caller.wait_for(lambda: refusal in manager.caller.diagnostic().message)
    calls += [manager.caller.call(device.device_id, 'say', HELLO) for _ in range(20)]
    results = manager.caller.results(calls)
    # A call after the last one would be the next command of the device.
    last = manager.caller.call(device.device_id, 'say', HELLO)
    manager.caller.result(last)
    device.fall_silent()
    commands = [device.command().cmd_id for _ in range(device.commands.qsize())]
    assert commands == [*calls, last]
    assert len(manager.caller.results(calls)) == len(results) == len(calls)


def test_of_two_that_start_at_the_same_time_exactly_one_serves(
    ros: Ros, starter: ManagerStarter
) -> None:
    namespace = [
        *('-r', '__ns:=/claim_at_once'),
        *('-r', '/diagnostics:=/claim_at_once/diagnostics'),
    ]
    both = [starter.manager(*namespace, gateway_port=0) for _ in range(2)]
    while all(program.process.poll() is None for program in both):
        with contextlib.suppress(subprocess.TimeoutExpired):
            both[0].process.wait(0.05)
    ended, serving = sorted(both, key=lambda program: program.process.poll() is None)
    refused(ended, serving)
    serving.wait_for_output('devices expected')
    assert Caller(ros, '/claim_at_once').connected_devices() == {}
    serving.stop()


def test_the_successor_of_a_manager_that_was_killed_serves(starter: ManagerStarter) -> None:
    # A killed process would leave its shared memory behind, which upsets others.
    first = starter.start('/claim_killed', environment={'FASTDDS_BUILTIN_TRANSPORTS': 'UDPv4'})
    first.program.process.send_signal(signal.SIGKILL)
    first.program.wait()
    second = starter.manager(*in_namespace(first), gateway_port=0)
    second.wait_for_output('devices expected')
    second.stop()


def test_managers_in_different_namespaces_do_not_disturb_each_other(
    manager: RunningManager, starter: ManagerStarter
) -> None:
    other = starter.manager('-r', '__ns:=/claim_other', gateway_port=0)
    other.wait_for_output('devices expected')
    other.stop()
    assert manager.program.process.poll() is None


class ForeignManager:
    """The claim of a manager on another computer, which the kernel of this one does not know."""

    def __init__(self, ros: Ros, namespace: str, start_time_s: float) -> None:
        node = ros.node('foreign', namespace)
        self._publisher = node.create_publisher(
            DeviceManagerStatus, topics.DEVICE_MANAGER_STATUS_TOPIC, STATUS_QOS
        )
        self._publisher.publish(
            DeviceManagerStatus(
                manager_id='foreign',
                host='bench2',
                pid=4711,
                is_serving=True,
                start_time_s=start_time_s,
            )
        )


def test_a_manager_ends_if_one_on_another_computer_serves(
    ros: Ros, starter: ManagerStarter
) -> None:
    ForeignManager(ros, '/claim_remote', start_time_s=1.0)
    # However long discovery takes.
    late = starter.manager('-r', '__ns:=/claim_remote', gateway_port=0, claim_wait_s=600)
    assert late.wait() == 1
    assert "serves the namespace '/claim_remote': process 4711 on 'bench2'" in late.output
    assert 'devices expected' not in late.output and 'Traceback' not in late.output


def test_of_two_that_serve_already_the_later_one_ends_its_tasks(starter: ManagerStarter) -> None:
    later = starter.start('/claim_later')
    device = later.bench()
    task_id = later.caller.call(device.device_id, 'say', HELLO)
    device.command()
    ForeignManager(device.side.ros, '/claim_later', start_time_s=1.0)
    assert later.program.wait() == 1
    assert "process 4711 on 'bench2'" in later.program.output
    assert 'was stopped' in later.caller.result(task_id).error


@pytest.mark.parametrize(
    ('namespace', 'start_time_s'),
    [('/claim_first', 4e9), ('/claim_absurd', 1e300), ('/claim_nan', math.nan)],
)
def test_of_two_that_serve_already_the_first_one_continues(
    starter: ManagerStarter, namespace: str, start_time_s: float
) -> None:
    first = starter.start(namespace)
    ForeignManager(first.side.ros, namespace, start_time_s)
    first.program.wait_for_output("has to end: process 4711 on 'bench2'")
    device = first.bench(_answer)
    assert first.caller.result(first.caller.call(device.device_id, 'say', HELLO)).success
