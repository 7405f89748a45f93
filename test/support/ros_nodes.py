"""ROS nodes that a test spins itself, on one events executor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import rclpy
from rclpy.experimental import EventsExecutor
from rclpy.node import Node
from rclpy.task import Future

from hos_device_layer.qos import SERVICE_QOS


class SpunNodes:
    """Nodes by name, created on demand, and the executor that spins them."""

    def __init__(self, context: rclpy.Context) -> None:
        self._context = context
        self._nodes: dict[str, Node] = {}
        self.executor = EventsExecutor(context=context)

    def __getitem__(self, name: str) -> Node:
        if name not in self._nodes:
            self._nodes[name] = Node(name, context=self._context)
            self.executor.add_node(self._nodes[name])
        return self._nodes[name]

    def add(self, create: Callable[..., Node], **options: Any) -> Any:
        """Create a node and spin it with the others."""
        node = create(context=self._context, **options)
        self.executor.add_node(node)
        self._nodes[node.get_name()] = node
        return node

    def spin_until(self, condition: Callable[[], object]) -> None:
        while not condition():
            self.executor.spin_once(timeout_sec=0.05)

    def call(self, node: Node, service_type: Any, name: str, **request: Any) -> Future:
        """Call a service and return the future of its response."""
        client = node.create_client(service_type, name, qos_profile=SERVICE_QOS)
        self.spin_until(client.service_is_ready)
        return client.call_async(service_type.Request(**request))

    def answer(self, node: Node, service_type: Any, name: str, **request: Any) -> Any:
        """Call a service and return its response."""
        future = self.call(node, service_type, name, **request)
        self.spin_until(future.done)
        return future.result()

    def close(self) -> None:
        self.executor.shutdown()
        for node in self._nodes.values():
            node.destroy_node()


@contextmanager
def spun_nodes() -> Iterator[SpunNodes]:
    context = rclpy.Context()
    rclpy.init(context=context, args=[], signal_handler_options=rclpy.SignalHandlerOptions.NO)
    nodes = SpunNodes(context)
    try:
        yield nodes
    finally:
        nodes.close()
        rclpy.shutdown(context=context)
