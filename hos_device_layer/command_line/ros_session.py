"""A short-lived ROS node for a command."""

from __future__ import annotations

import argparse
import contextlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import rclpy
from rclpy.executors import Executor
from rclpy.experimental import EventsExecutor
from rclpy.node import Node

from ..core.errors import HosError
from ..exit_signals import SignalInterrupt, collecting_signals
from ..qos import SERVICE_QOS
from ..ros_startup import check_namespace, creating_node, start_ros
from ..source_tree import HOS

# The longest delay of Ctrl-C [s].
_SPIN_S = 0.1

# How often the ROS graph is asked for a service while it is awaited [s].
_DISCOVERY_S = 0.01

# Discovery of a running device manager and its answer take less than this [s].
MANAGER_TIMEOUT_S = 5.0

# DDS may lose an answer to a client that the server has not discovered yet [s].
_RETRY_S = 1.0

_LOCALHOST = 'LOCALHOST'


class NoManagerError(HosError, TimeoutError):
    """No device manager answered; the text says what was looked for, and what to do."""


class RosSession:
    """A ROS node that the calling thread spins."""

    def __init__(self, node: Node, executor: Executor, signals: Sequence[int]) -> None:
        self.node = node
        self._executor = executor
        self._signals = signals

    def spin_until(
        self, condition: Callable[[], object], timeout_s: float, interval_s: float = _SPIN_S
    ) -> bool:
        """
        Spin until the condition holds; returns False after `timeout_s`.

        Raises SignalInterrupt.
        """
        limit = time.monotonic() + timeout_s
        while not condition():
            if self._signals:
                raise SignalInterrupt(self._signals[0])
            if time.monotonic() > limit:
                return False
            self._executor.spin_once(timeout_sec=interval_s)
        return True

    def spin(self, is_over: Callable[[], bool]) -> None:
        """Spin until SIGINT or SIGTERM, or until `is_over`."""
        while not self._signals and not is_over():
            self._executor.spin_once(timeout_sec=_SPIN_S)

    def ask(
        self,
        service_type: Any,
        name: str,
        request: Any,
        timeout_s: float = MANAGER_TIMEOUT_S,
        retry_s: float = _RETRY_S,
    ) -> Any:
        """
        Call a service of the device manager and return its answer.

        The request is repeated if its answer does not come in `retry_s`. Raises NoManagerError if
        the service is not found in MANAGER_TIMEOUT_S, or does not answer in `timeout_s`.
        """
        client = self.node.create_client(service_type, name, qos_profile=SERVICE_QOS)
        if not self.spin_until(client.service_is_ready, MANAGER_TIMEOUT_S, _DISCOVERY_S):
            raise NoManagerError(no_manager(self.node, name))
        limit = time.monotonic() + timeout_s
        while (left_s := limit - time.monotonic()) > 0:
            future = client.call_async(request)
            if self.spin_until(future.done, min(retry_s, left_s)):
                return future.result()
        raise NoManagerError(
            f'the device manager did not answer within {timeout_s:g} s: service '
            f'{self.node.resolve_service_name(name)}; see its log'
        )


def no_manager(node: Node, service: str) -> str:
    """Return that a service was not found, where it was looked for, and what to do."""
    domain_id = node.context.get_domain_id()
    here = os.environ.get('ROS_AUTOMATIC_DISCOVERY_RANGE', '').upper() == _LOCALHOST
    where = (
        f'on this computer, ROS_DOMAIN_ID {domain_id}' if here else f'ROS_DOMAIN_ID {domain_id}'
    )
    return (
        f'no device manager answered within {MANAGER_TIMEOUT_S:g} s: expected the service '
        f'{node.resolve_service_name(service)} ({where}), found none; start a device manager '
        f'with `{HOS} up`, or set --namespace and ROS_DOMAIN_ID to those of a running one'
    )


@contextlib.contextmanager
def ros_session(arguments: argparse.Namespace) -> Iterator[RosSession]:
    """
    Run a ROS node within the context; several processes may do so at once.

    `arguments` are those of `add_manager_options`. Raises RosArgumentsError.
    """
    # An exception at any moment would be logged by ROS, or upset it.
    with collecting_signals() as signals, _context(arguments.ros_args):
        node = _node(arguments.namespace)
        executor = EventsExecutor()
        executor.add_node(node)
        try:
            yield RosSession(node, executor, signals)
        finally:
            executor.shutdown()
            node.destroy_node()


@contextlib.contextmanager
def _context(ros_arguments: list[str]) -> Iterator[None]:
    start_ros(['--ros-args', *ros_arguments] if ros_arguments else [])
    try:
        yield
    finally:
        rclpy.shutdown()


def _node(namespace: str) -> Node:
    check_namespace(f'--namespace {namespace}', f'/{namespace.removeprefix("/")}')
    with creating_node():
        return Node(
            f'hos_{os.getpid()}',
            namespace=namespace,
            enable_rosout=False,
            start_parameter_services=False,
        )
