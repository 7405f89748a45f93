"""A gateway that cannot listen at first: it is tried again, and /diagnostics says why."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.parameter import Parameter
from ros_nodes import SpunNodes, spun_nodes

from hos_device_layer import gateway_opening
from hos_device_layer.core.health import Severity
from hos_device_layer.device_manager import DeviceManager
from hos_device_layer.diagnostics import DIAGNOSTICS_TOPIC
from hos_device_layer.gateway_opening import GatewayOpening
from hos_device_layer.links.gateway import GatewayError
from hos_device_layer.qos import DIAGNOSTICS_QOS

PORT_IN_USE = 'the gateway cannot listen on 127.0.0.1 port 9091: Address already in use'


class Gateway:
    """Counts attempts to open it; they fail with these errors, then succeed."""

    def __init__(self, *errors: str) -> None:
        self.errors = list(errors)
        self.attempts = 0

    def open(self) -> None:
        self.attempts += 1
        if self.errors:
            raise GatewayError(self.errors.pop(0))


@pytest.fixture
def nodes(ros_domain_id: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[SpunNodes]:
    monkeypatch.setattr(gateway_opening, '_RETRY_S', 0.01)
    with spun_nodes() as nodes:
        yield nodes


def test_it_is_opened_when_the_node_is_spun(nodes: SpunNodes) -> None:
    gateway = Gateway()
    opening = GatewayOpening(nodes['manager'], gateway.open)
    assert gateway.attempts == 0
    nodes.spin_until(lambda: gateway.attempts)
    assert opening.findings() == ()


def test_it_is_tried_again_until_it_listens(nodes: SpunNodes) -> None:
    gateway = Gateway(*[PORT_IN_USE] * 3)
    opening = GatewayOpening(nodes['manager'], gateway.open)
    nodes.spin_until(lambda: gateway.attempts)
    (finding,) = opening.findings()
    assert finding.severity is Severity.ERROR
    assert finding.text == f'{PORT_IN_USE}. Devices without ROS cannot connect'
    nodes.spin_until(lambda: not opening.findings())
    assert gateway.attempts == 4


def test_it_is_not_opened_twice(nodes: SpunNodes) -> None:
    gateway, other = Gateway(PORT_IN_USE), Gateway(*[PORT_IN_USE] * 5)
    GatewayOpening(nodes['manager'], gateway.open)
    opening = GatewayOpening(nodes['manager'], other.open)
    # The other one shows that the time of several attempts has passed.
    nodes.spin_until(lambda: other.attempts and not opening.findings())
    assert gateway.attempts == 2


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
