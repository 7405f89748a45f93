"""The example node, and generated functions, against the real manager and simulated devices."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
import rclpy
from manager_process import MANAGER, SIMULATED_FLEET
from managers import ManagerStarter
from project import ROOT
from rclpy.executors import Executor
from rclpy.experimental import EventsExecutor
from rclpy.node import Node

from hos_device_layer.device_api import CallFailedError
from hos_device_layer.gen.hos_device_api import (
    balance_tare,
    delta_arm_move,
    device_identify,
    light_set,
)


@pytest.fixture(scope='module', autouse=True)
def demo_fleet(module_starter: ManagerStarter, tmp_path_factory) -> Iterator[None]:
    manager = module_starter.program(MANAGER, state_folder=tmp_path_factory.mktemp('state'))
    fleet = module_starter.program(SIMULATED_FLEET, longest_s=0.0)
    for device_id in ('H4001', 'L8001', 'W5001'):
        manager.wait_for_output(f'{device_id} .*: connected')
    yield
    fleet.stop()
    manager.stop()


def test_the_example_node_picks_up_a_tube(demo_fleet) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / 'examples' / 'pick_a_tube.py')],
        env={**os.environ, 'PYTHONPATH': os.pathsep.join([str(ROOT), *sys.path])},
        capture_output=True,
        text=True,
    )
    assert 'H4001 is at 12.5, -40.0, -30.0 mm' in done.stderr
    # Simulated grippers miss now and then.
    assert done.returncode in (0, 1)
    assert 'the gripper pushes with' in done.stderr


@pytest.fixture(scope='module')
def executor(ros_domain_id: int) -> Iterator[Executor]:
    context = rclpy.Context()
    rclpy.init(context=context)
    executor = EventsExecutor(context=context)
    executor.add_node(Node('caller', context=context))
    yield executor
    for node in executor.get_nodes():
        executor.remove_node(node)
        node.destroy_node()
    executor.shutdown()
    rclpy.shutdown(context=context)


def test_hundreds_of_generated_calls_get_their_typed_results(executor) -> None:
    (node,) = executor.get_nodes()
    lights = [light_set(node, 'L8001', n % 256, 0, 0) for n in range(300)]
    identities = [device_identify(node, 'L8001') for _ in range(300)]
    tare = balance_tare(node, 'W5001')
    while not all(call.result.done() for call in (*lights, *identities, tare)):
        executor.spin_once(timeout_sec=0.1)

    assert tare.parse() is None
    assert all(call.parse() is None for call in lights)
    assert all(call.parse().firmware.startswith('L8001') for call in identities)
    assert len({call.result.result().task_id for call in (*lights, *identities)}) == 600


def test_what_the_manager_refuses_fails_with_its_reason(executor) -> None:
    (node,) = executor.get_nodes()
    unknown = delta_arm_move(node, 'X1', 1, 2, 3)
    another = delta_arm_move(node, 'L8001', 1, 2, 3)
    while not (unknown.result.done() and another.result.done()):
        executor.spin_once(timeout_sec=0.1)
    with pytest.raises(CallFailedError, match=r"no device 'X1' in the fleet 'demo'"):
        unknown.parse()
    with pytest.raises(CallFailedError, match=r"'LightTower' .* has no function"):
        another.parse()
