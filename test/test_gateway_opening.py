"""A gateway that cannot listen yet: the manager waits or tries again, and says why."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.node import Node
from rclpy.parameter import Parameter
from ros_nodes import SpunNodes, spun_nodes

from hos_device_layer import gateway_opening
from hos_device_layer.core.health import Severity
from hos_device_layer.device_manager import DeviceManager
from hos_device_layer.diagnostics import DIAGNOSTICS_TOPIC
from hos_device_layer.gateway_opening import GatewayOpening
from hos_device_layer.links.gateway import Gateway, GatewayError
from hos_device_layer.qos import DIAGNOSTICS_QOS

PORT_IN_USE = 'the gateway cannot listen on 127.0.0.1 port 9091: Address already in use'


class Attempts:
    """Gateways that cannot listen because of these errors, and then one that can."""

    def __init__(self, node: Node, *errors: str) -> None:
        self.count = 0
        self.opened = 0
        self._errors = list(errors)
        self.opening = GatewayOpening(
            node, 'lab.example', lambda: cast('Gateway', self), self._on_opened
        )

    def _on_opened(self, _gateway: Gateway) -> None:
        self.opened += 1

    # A gateway

    def open(self, opened: Callable[[GatewayError | None], object]) -> None:
        self.count += 1
        opened(GatewayError(self._errors.pop(0)) if self._errors else None)


class SlowGateway:
    """A gateway that is opened when its test calls `opened`."""

    def __init__(self, node: Node) -> None:
        self.opened: Callable[[GatewayError | None], object] = lambda _: None
        self.is_stopped = False
        self.taken: list[Gateway] = []
        self.opening = GatewayOpening(
            node, 'lab.example', lambda: cast('Gateway', self), self.taken.append
        )

    def open(self, opened: Callable[[GatewayError | None], object]) -> None:
        self.opened = opened

    def stop(self) -> None:
        self.is_stopped = True


@pytest.fixture
def nodes(ros_domain_id: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[SpunNodes]:
    monkeypatch.setattr(gateway_opening, '_RETRY_S', 0.01)
    monkeypatch.setattr(gateway_opening, '_CHECK_S', 0.01)
    with spun_nodes() as nodes:
        yield nodes


def test_a_gateway_that_can_listen_is_opened_at_once(nodes: SpunNodes) -> None:
    attempts = Attempts(nodes['manager'])
    assert (attempts.count, attempts.opened) == (1, 1)
    assert attempts.opening.findings() == ()


def test_it_is_tried_again_until_it_listens(nodes: SpunNodes) -> None:
    attempts = Attempts(nodes['manager'], *[PORT_IN_USE] * 3)
    (finding,) = attempts.opening.findings()
    assert finding.severity is Severity.ERROR
    assert finding.text == f'{PORT_IN_USE}. Devices without ROS cannot connect'
    nodes.spin_until(lambda: not attempts.opening.findings())
    assert (attempts.count, attempts.opened) == (4, 1)


def test_it_is_not_opened_twice(nodes: SpunNodes) -> None:
    attempts = Attempts(nodes['manager'], PORT_IN_USE)
    # This one shows that the time of several attempts has passed.
    other = Attempts(nodes['manager'], *[PORT_IN_USE] * 5)
    nodes.spin_until(lambda: other.opened)
    assert (attempts.count, attempts.opened) == (2, 1)


def test_a_slow_name_server_is_reported_until_it_answers(nodes: SpunNodes) -> None:
    slow = SlowGateway(nodes['manager'])
    nodes.spin_until(slow.opening.findings)
    (finding,) = slow.opening.findings()
    assert finding.severity is Severity.WARN
    assert "waiting for the name server to resolve 'lab.example'" in finding.text
    slow.opened(None)
    assert slow.opening.findings() == ()
    assert slow.taken == [slow]


def test_a_gateway_that_is_opened_after_a_stop_is_not_taken(nodes: SpunNodes) -> None:
    slow = SlowGateway(nodes['manager'])
    slow.opening.stop()
    assert slow.is_stopped
    slow.opened(None)
    assert slow.taken == []


def test_a_manager_opens_its_gateway_as_soon_as_the_port_is_free(
    nodes: SpunNodes, tmp_path: Path
) -> None:
    with socket.create_server(('127.0.0.1', 0)) as earlier_program:
        port = earlier_program.getsockname()[1]
        values = {'gateway_port': port, 'state_folder': str(tmp_path)}
        manager = nodes.add(
            DeviceManager,
            parameter_overrides=[Parameter(name, value=value) for name, value in values.items()],
        )
        statuses: list[DiagnosticArray] = []
        nodes['viewer'].create_subscription(
            DiagnosticArray, DIAGNOSTICS_TOPIC, statuses.append, DIAGNOSTICS_QOS
        )
        nodes.spin_until(lambda: statuses and f'port {port}' in statuses[-1].status[0].message)
        assert statuses[-1].status[0].level == DiagnosticStatus.ERROR
    nodes.spin_until(lambda: statuses[-1].status[0].level == DiagnosticStatus.OK)
    manager.stop()
