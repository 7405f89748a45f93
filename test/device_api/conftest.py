"""A stand-in manager and a caller on each kind of executor."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import rclpy
from rclpy.executors import Executor, MultiThreadedExecutor, SingleThreadedExecutor
from rclpy.experimental import EventsExecutor
from rclpy.node import Node
from stand_in_manager import StandInManager


@pytest.fixture(scope='module', autouse=True)
def _ros(ros_domain_id: int) -> Iterator[None]:
    rclpy.init()
    yield
    rclpy.shutdown()


@pytest.fixture(params=[EventsExecutor, SingleThreadedExecutor, MultiThreadedExecutor])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    executor = request.param()
    yield executor
    for node in executor.get_nodes():
        destroy(node)
    executor.shutdown()


@pytest.fixture
def manager(executor: Executor) -> Iterator[StandInManager]:
    manager = StandInManager()
    executor.add_node(manager)
    yield manager
    destroy(manager)


@pytest.fixture
def node(executor: Executor) -> Iterator[Node]:
    node = Node('caller')
    executor.add_node(node)
    yield node
    destroy(node)


def destroy(node: Node) -> None:
    # A test may have moved it to another executor.
    if node.executor is not None:
        node.executor.remove_node(node)
    node.destroy_node()
