"""That our queues are no deeper than the middleware can keep them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import rclpy
from hos_interfaces.msg import DeviceAPICallResult
from rclpy.duration import Duration
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

from hos_device_layer.qos import RESULT_QOS

# More than Fast DDS keeps for a reader, of which ours wants to keep less.
COUNT = 6000

PATIENCE = Duration(seconds=30)


@pytest.fixture
def nodes(ros_domain_id: int) -> Iterator[tuple[Node, Node]]:
    context = rclpy.Context()
    rclpy.init(args=[], context=context)
    nodes = Node('writer', context=context), Node('reader', context=context)
    yield nodes
    for node in nodes:
        node.destroy_node()
    rclpy.shutdown(context=context)


def test_a_reader_that_is_busy_elsewhere_does_not_hold_the_writer_up(
    nodes: tuple[Node, Node],
) -> None:
    writer, reader = nodes
    # Nobody takes what this subscription keeps.
    reader.create_subscription(DeviceAPICallResult, 'results', lambda _: None, RESULT_QOS)
    publisher = writer.create_publisher(DeviceAPICallResult, 'results', RESULT_QOS)
    executor = SingleThreadedExecutor(context=writer.context)
    executor.add_node(writer)
    while not publisher.get_subscription_count():
        executor.spin_once(timeout_sec=0.1)
    executor.remove_node(writer)
    for number in range(COUNT):
        publisher.publish(DeviceAPICallResult(task_id=number))
    assert publisher.wait_for_all_acked(PATIENCE)
