"""A device manager in the process of the test, and other nodes beside it, spun by the test."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import rclpy
from rclpy.experimental import EventsExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter

from hos_device_layer.device_manager import DeviceManager

PATIENCE_S = 40.0


class NodesInProcess:
    """Nodes of a context of their own; they run only in `spin_until`."""

    def __init__(self) -> None:
        self.context = rclpy.Context()
        rclpy.init(context=self.context, signal_handler_options=rclpy.SignalHandlerOptions.NO)
        self._executor = EventsExecutor(context=self.context)
        self._nodes: list[Node] = []

    def add(self, create: Callable[..., Node], *arguments: Any, **parameters: Any) -> Any:
        """Create a node with these parameters."""
        node = create(
            *arguments,
            context=self.context,
            parameter_overrides=[Parameter(name, value=v) for name, v in parameters.items()],
        )
        self._executor.add_node(node)
        self._nodes.append(node)
        return node

    def spin_until(self, condition: Callable[[], object]) -> None:
        """Run callbacks until a condition holds."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, 'waited in vain'
            self._executor.spin_once(timeout_sec=0.05)

    def close(self) -> None:
        self._executor.shutdown()
        # A node that is left to the garbage collector stays in the ROS graph, and the next test
        # may take it for a running manager.
        for node in self._nodes:
            node.destroy_node()
        rclpy.shutdown(context=self.context)


@contextmanager
def manager_in_process(folder: Path, **parameters: Any) -> Iterator[tuple[NodesInProcess, Any]]:
    """Run a device manager whose gateway listens on a free port."""
    nodes = NodesInProcess()
    settings = {'gateway_port': 0, 'claim_wait_s': 0.0, 'state_folder': str(folder), **parameters}
    manager = nodes.add(DeviceManager, **settings)
    try:
        nodes.spin_until(lambda: manager._gateway)
        yield nodes, manager
    finally:
        manager.stop()
        nodes.close()
