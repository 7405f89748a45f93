"""Several device managers in one namespace: one serves, and the others say why they end."""

from __future__ import annotations

import contextlib
import math
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hos_interfaces.msg import DeviceManagerStatus
from manager_process import Program, patched
from managers import ManagerStarter, RunningManager
from node_in_process import NodesInProcess
from rclpy.node import Node
from rclpy.publisher import Publisher
from ros_peers import Arguments, Caller, Device, Ros

from hos_device_layer import manager_clock, topics
from hos_device_layer.device_manager import DeviceManager
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
    ended, serving = wait_until_one_ends(both)
    refused(ended, serving)
    serving.wait_for_output('devices expected')
    assert Caller(ros, '/claim_at_once').connected_devices() == {}
    serving.stop()


# The kernel of one computer does not know of the managers on others.
_ON_DIFFERENT_COMPUTERS = """
import os
from hos_device_layer import local_claim

class ClaimOfThisComputer(local_claim.LocalClaim):
    def __init__(self, name):
        super().__init__(f'{name} on the computer of process {os.getpid()}')

local_claim.LocalClaim = ClaimOfThisComputer
"""


def wait_until_one_ends(programs: list[Program]) -> tuple[Program, Program]:
    """Return of two managers the one that has ended, and the other one."""
    while all(program.process.poll() is None for program in programs):
        with contextlib.suppress(subprocess.TimeoutExpired):
            programs[0].process.wait(0.05)
    ended, serving = sorted(programs, key=lambda program: program.process.poll() is None)
    return ended, serving


@pytest.mark.slow
def test_of_two_that_start_at_the_same_time_on_different_computers_exactly_one_serves(
    starter: ManagerStarter, tmp_path: Path
) -> None:
    environment = patched(tmp_path, _ON_DIFFERENT_COMPUTERS)
    for number in range(10):
        both = [
            starter.manager(
                *('-r', f'__ns:=/claim_computers{number}'),
                gateway_port=0,
                # Longer than discovery takes, also on a busy machine.
                claim_wait_s=3.0,
                state_folder=tmp_path / str(computer),
                environment=environment,
            )
            for computer in range(2)
        ]
        ended, serving = wait_until_one_ends(both)
        refused(ended, serving)
        serving.wait_for_output('devices expected')
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


class VirtualTime:
    """Stands in for the module `time`."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def monotonic(self) -> float:
        return self.now_s

    def time(self) -> float:
        return self.now_s


class StartingManager:
    """A manager that waits 10 s for others, on a clock that its test sets."""

    def __init__(self, nodes: NodesInProcess, clock: VirtualTime, folder: Path) -> None:
        self._clock = clock
        self.node = nodes.add(DeviceManager, state_folder=str(folder), claim_wait_s=10.0)

    def tick(self) -> None:
        self.node._on_tick()
        self._clock.now_s += 0.05

    def is_serving(self) -> bool:
        return bool(self.node._links)

    def serves_after_s(self) -> float:
        began_s = self._clock.now_s
        while not self.is_serving():
            self.tick()
        return self._clock.now_s - began_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> VirtualTime:
    clock = VirtualTime()
    monkeypatch.setattr(manager_clock, 'time', clock)
    return clock


@pytest.fixture
def nodes(ros_domain_id: int) -> Iterator[NodesInProcess]:
    nodes = NodesInProcess()
    yield nodes
    nodes.close()


@pytest.fixture
def foreign(nodes: NodesInProcess) -> Publisher:
    """The status of a manager that DDS has discovered, but not delivered yet."""
    publisher: Publisher = nodes.add(Node, 'foreign').create_publisher(
        DeviceManagerStatus, topics.DEVICE_MANAGER_STATUS_TOPIC, STATUS_QOS
    )
    return publisher


@pytest.fixture
def starting(
    nodes: NodesInProcess, clock: VirtualTime, tmp_path: Path
) -> Iterator[StartingManager]:
    starting = StartingManager(nodes, clock, tmp_path)
    yield starting
    starting.node.stop()


@pytest.mark.parametrize('reading_s', [0.1, 0.5, 9.9, 60.0])
def test_the_wait_for_other_managers_begins_when_the_node_is_spun(
    starting: StartingManager, clock: VirtualTime, reading_s: float
) -> None:
    clock.now_s += reading_s
    assert starting.serves_after_s() == pytest.approx(10.0, abs=0.2)


def test_a_manager_waits_for_the_status_of_one_that_it_has_discovered(
    foreign: Publisher, starting: StartingManager, nodes: NodesInProcess
) -> None:
    for _ in range(14 * 20):
        starting.tick()
    assert not starting.is_serving()
    foreign.publish(
        DeviceManagerStatus(manager_id='foreign', host='bench2', pid=4711, is_serving=True)
    )
    nodes.spin_until(lambda: starting.node.taken)
    for _ in range(14 * 20):
        starting.tick()
    assert not starting.is_serving()


@pytest.mark.usefixtures('foreign')
def test_a_manager_does_not_wait_for_ever_for_a_status(starting: StartingManager) -> None:
    assert starting.serves_after_s() == pytest.approx(15.0, abs=0.2)
