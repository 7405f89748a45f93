"""The status of each device, as a subscriber of /diagnostics receives it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from dispatcher_driver import DispatcherDriver
from ros_nodes import SpunNodes, spun_nodes
from virtual_fleet import EPOCH, LIFT, PUMP

from hos_device_layer.core.dispatch.events import ConnectRequested, LinkClosed, Pinged, Tick
from hos_device_layer.core.health import Finding, Severity
from hos_device_layer.diagnostics import DIAGNOSTICS_TOPIC, Diagnostics
from hos_device_layer.qos import DIAGNOSTICS_QOS

LEVELS = DiagnosticStatus


@pytest.fixture
def nodes(ros_domain_id: int) -> Iterator[SpunNodes]:
    with spun_nodes() as nodes:
        yield nodes


@pytest.fixture
def driver() -> DispatcherDriver:
    return DispatcherDriver()


def published(
    nodes: SpunNodes, driver: DispatcherDriver, findings: Sequence[Finding] = ()
) -> dict[str, Any]:
    """Return what a new subscriber receives: statuses by name."""
    received: list[DiagnosticArray] = []
    diagnostics = Diagnostics(nodes['device_manager'], driver.dispatcher, lambda: findings)
    diagnostics.publish()
    nodes['viewer'].create_subscription(
        DiagnosticArray, DIAGNOSTICS_TOPIC, received.append, DIAGNOSTICS_QOS
    )
    nodes.spin_until(lambda: received)
    return {status.name: status for status in received[-1].status}


def values(status: Any) -> dict[str, str]:
    return {value.key: value.value for value in status.values}


def test_a_new_subscriber_receives_the_status_of_every_device(
    nodes: SpunNodes, driver: DispatcherDriver
) -> None:
    driver.handle(ConnectRequested(PUMP.uid, "'Pump 1', type 'Pump'"))
    driver.call('P1')
    statuses = published(nodes, driver)
    assert statuses.keys() == {
        'device_manager',
        'device_manager: L1',
        'device_manager: P1',
        'device_manager: L2',
    }
    manager = statuses['device_manager']
    assert (manager.level, manager.message) == (LEVELS.OK, 'running')
    assert values(manager) == {'fleet': 'lab', 'connected': '1', 'tasks': '1'}
    pump = statuses['device_manager: P1']
    assert (pump.level, pump.message, pump.hardware_id) == (LEVELS.OK, 'connected', 'uid21')
    assert values(pump) == {
        'device_id': 'P1',
        'device_uid': '21',
        'device_type': 'Pump',
        'state': 'connected',
        'since_s': f'{EPOCH:.3f}',
        'last_seen_s': f'{EPOCH:.3f}',
        'description': '',
        'tasks': '1',
    }
    assert statuses['device_manager: L1'].level == LEVELS.STALE


def test_each_state_has_its_level(nodes: SpunNodes, driver: DispatcherDriver) -> None:
    for uid in (LIFT.uid, PUMP.uid):
        driver.handle(ConnectRequested(uid))
    driver.handle(LinkClosed(LIFT.uid))
    driver.handle(Tick(16.0), 16.0)
    driver.handle(LinkClosed(PUMP.uid), 16.0)
    statuses = published(nodes, driver)
    lift, pump = statuses['device_manager: L1'], statuses['device_manager: P1']
    assert (lift.level, lift.message) == (LEVELS.ERROR, 'disconnected')
    assert (pump.level, pump.message) == (LEVELS.WARN, 'timed out')


def test_a_device_that_is_not_in_the_fleet_shows_the_table_to_add_it_to(
    nodes: SpunNodes, driver: DispatcherDriver
) -> None:
    driver.handle(ConnectRequested(99, "'Scale 3'"))
    driver.handle(Pinged(98))
    statuses = published(nodes, driver)
    for uid, name, description in ((98, 'uid 98', ''), (99, "uid 99 ('Scale 3')", "'Scale 3'")):
        status = statuses[f'device_manager: uid{uid}']
        assert status.level == LEVELS.WARN
        assert status.message == (
            f"waiting: {name} is not in the fleet 'lab'; add it to the table 'fleet-lab'"
        )
        assert values(status)['description'] == description


def test_a_device_without_a_uid_shows_where_to_enter_it(
    nodes: SpunNodes, driver: DispatcherDriver
) -> None:
    status = published(nodes, driver)['device_manager: L2']
    assert status.level == LEVELS.STALE
    assert status.message == 'has no uid: enter it in the table fleet-lab'
    assert values(status)['state'] == 'expected'


def test_the_manager_shows_every_reason_why_it_does_not_work(nodes: SpunNodes) -> None:
    driver = DispatcherDriver(fleet='lob')
    statuses = published(nodes, driver, [Finding(Severity.WARN, 'the copy is old')])
    manager = statuses['device_manager']
    assert manager.level == LEVELS.ERROR
    assert manager.message.startswith("unknown fleet 'lob'; ")
    assert manager.message.endswith('; the copy is old')
