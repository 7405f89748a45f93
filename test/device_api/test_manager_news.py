"""What callers learn of the device manager: where it is, and its specification."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from calling import EchoResult, call, finish, make_ready, spin_until
from rclpy.node import Node
from stand_in_manager import REPORTS_BEFORE_IT_ANSWERS, StandInManager

from hos_device_layer.device_api import DeviceAPICallInfo, call_device
from hos_device_layer.device_api_client import client_of


def call_in(node: Node, namespace: str, **options: Any) -> DeviceAPICallInfo[EchoResult]:
    return call_device(
        node,
        'D1',
        REPORTS_BEFORE_IT_ANSWERS,
        {'n:string': namespace},
        EchoResult.parse,
        namespace=namespace,
        **options,
    )


def test_a_node_calls_the_managers_of_several_namespaces(executor) -> None:
    managers = {ns: StandInManager(namespace=ns) for ns in ('/', '/north', '/west/wing')}
    node = Node('caller', namespace='/west')
    for each in (*managers.values(), node):
        executor.add_node(each)
    # The second name is relative to the namespace of the node.
    infos = {ns: call_in(node, ns) for ns in ('/', '/north', '/north/', 'wing', '/west/wing')}
    finish(executor, *infos.values())

    assert [info.parse().n for info in infos.values()] == list(infos)
    assert {ns: len(manager.requests) for ns, manager in managers.items()} == {
        '/': 1,
        '/north': 2,
        '/west/wing': 2,
    }
    assert len(list(node.clients)) == 3
    assert client_of(node, 'wing') is client_of(node, '/west/wing') is not client_of(node, '/')


@pytest.fixture
def warnings(node: Node, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    logged: list[str] = []
    monkeypatch.setattr(client_of(node)._digests._log, 'warning', logged.append)
    return logged


def test_functions_of_another_specification_are_warned_of_once_per_manager(
    executor, manager, node, warnings
) -> None:
    manager.publish_status(manager_id='first', spec_digest='aaaa', fleet='lab')
    watch = client_of(node)._watch
    spin_until(executor, lambda: watch.status is not None and watch.status.spec_digest)

    finish(executor, call_in(node, '', spec_digest='aaaa'), call(node, REPORTS_BEFORE_IT_ANSWERS))
    assert warnings == []
    finish(executor, *(call_in(node, '', spec_digest='bbbb') for _ in range(3)))
    assert len(warnings) == 1
    assert "the specification of the device manager (fleet 'lab')" in warnings[0]
    assert 'run: hos generate' in warnings[0]

    manager.publish_status(manager_id='second', spec_digest='cccc')
    spin_until(executor, lambda: len(warnings) == 2)


def test_functions_are_compared_with_a_manager_that_is_discovered_later(
    executor, node, warnings
) -> None:
    info = call_in(node, '', spec_digest='bbbb')
    manager = StandInManager()
    executor.add_node(manager)
    finish(executor, info)
    assert warnings == []
    manager.publish_status(manager_id='it', spec_digest='aaaa')
    spin_until(executor, lambda: bool(warnings))


def test_a_manager_that_does_not_serve_is_ignored(executor, manager, node, warnings) -> None:
    make_ready(executor, node)
    watch = client_of(node)._watch
    spin_until(executor, lambda: watch.status is not None)
    serving = watch.status.manager_id
    manager.publish_status(manager_id='refused', spec_digest='aaaa', is_serving=False)
    manager.publish_status(manager_id=serving, spec_digest='cccc')
    spin_until(executor, lambda: watch.status.spec_digest == 'cccc')
    assert (watch.status.manager_id, warnings) == (serving, [])
