"""docs/architecture.md names functions that exist, and the walks are those of the program."""

from __future__ import annotations

import ast
import json
import re
from asyncio import BaseEventLoop
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import pytest
from fake_fleet import UID as SHAKER_UID
from node_in_process import NodesInProcess, manager_in_process
from project import ROOT, SAMPLE_DB
from rclpy.client import Client
from rclpy.node import Node
from rclpy.publisher import Publisher
from running_host import running_host
from std_srvs.srv import Trigger
from walks import PACKAGES, PAGE, Step, Trace, described, read_walks
from websockets.sync.client import ClientConnection, connect

from hos_client.host.drivers.l1 import L1Driver
from hos_device_layer import topics
from hos_device_layer.core.dispatch import dispatcher
from hos_device_layer.core.dispatch.connection_states import ConnectionState
from hos_device_layer.core.dispatch.connections import Connections
from hos_device_layer.core.dispatch.effects import (
    Answer,
    Effect,
)
from hos_device_layer.core.dispatch.events import ConnectRequested, Event
from hos_device_layer.core.dispatch.tasks import RunningTasks
from hos_device_layer.core.rosbridge import session
from hos_device_layer.core.spec.tables import Tables
from hos_device_layer.database import LocalCopy
from hos_device_layer.database.airtable.client import Airtable
from hos_device_layer.database.airtable.credentials import find_credentials
from hos_device_layer.database.airtable.init import init_base
from hos_device_layer.database.airtable.matching import RememberedIds
from hos_device_layer.database.airtable.push import push_tables
from hos_device_layer.database.airtable.rate_limiter import RateLimiter, RequestPolicy
from hos_device_layer.device_api import CallFailedError
from hos_device_layer.device_api_client import limits
from hos_device_layer.gen.hos_device_api import delta_arm_move
from hos_device_layer.links.gateway import link
from hos_device_layer.links.ros import ROS_LINK
from hos_device_layer.services import (
    CONNECT_DEVICE_SERVICE,
    DEVICE_DB_RELOAD_SERVICE,
    SERIALIZED_DEVICE_COMMAND_SERVICE,
)
from hos_device_layer.testing.airtable import RunningAirtable, running_airtable
from hos_device_layer.testing.serial_device import L1Board
from hos_device_layer.testing.simulated_fleet import SimulatedFleet

WALKS = read_walks()
CALL = WALKS['An API call']
CALL_IN_MANAGER = WALKS['An API call in the device manager']
RESULT = WALKS['The result of an API call']
PING = WALKS['A ping through the gateway']
CELL = WALKS['A cell of Airtable to a refused call']
FRAME = WALKS['A frame of the gateway to a published sample']
BYTE = WALKS['A byte on a serial line to a sample']

# A device of the sample, and its stream.
UID, STREAM = 13212703, 'arm_position'
NEVER_S = 1e6


def test_all_walks_are_traced() -> None:
    assert len(WALKS) == 7 and all(WALKS.values())


@pytest.mark.parametrize(
    'step', sorted({step for walk in WALKS.values() for step in walk}), ids=str
)
def test_a_step_is_a_function(step: Step) -> None:
    assert step.code().co_filename == str(ROOT / step.path)


@pytest.mark.parametrize('walk', [CALL_IN_MANAGER, PING])
def test_a_call_and_a_ping_pass_through_at_most_eight_functions(walk: list[Step]) -> None:
    assert len(walk) <= 8


@pytest.mark.parametrize('package', PACKAGES)
def test_every_package_is_in_the_map(package: str) -> None:
    text = PAGE.read_text(encoding='utf-8')
    for file in (ROOT / package).rglob('__init__.py'):
        assert f'| `{file.parent.relative_to(ROOT)}/` |' in text


def test_the_files_that_the_page_names_exist() -> None:
    text = PAGE.read_text(encoding='utf-8')
    for name in set(re.findall(r'`([\w/]+\.(?:py|toml|md))`', text)):
        assert any((ROOT / folder / name).exists() for folder in ('', 'hos_device_layer')), name


def test_the_classes_and_methods_that_the_page_names_exist() -> None:
    sources = [path.read_text() for name in PACKAGES for path in (ROOT / name).rglob('*.py')]
    methods = {
        f'{node.name}.{part.name}'
        for source in sources
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ClassDef)
        for part in node.body
        if isinstance(part, ast.FunctionDef)
    }
    text = PAGE.read_text(encoding='utf-8')
    named = set(re.findall(r'`([A-Z][a-z]\w+(?:\.\w+)?)[`(]', text))
    assert {name for name in named if '.' in name} <= methods
    words = set(re.findall(r'\w+', ' '.join(sources)))
    assert {name for name in named if '.' not in name} <= words


def test_every_event_is_handled_and_every_effect_performed(tmp_path: Path) -> None:
    with manager_in_process(tmp_path) as (_, manager):
        assert set(manager.dispatcher._handlers) == set(get_args(Event))
        assert set(manager._performers) == set(get_args(Effect)) - set(get_args(Answer))


@contextmanager
def traced_manager(
    trace: Trace, folder: Path, **parameters: Any
) -> Iterator[tuple[NodesInProcess, Any]]:
    with trace.prepared(), manager_in_process(folder, **parameters) as (nodes, manager):
        yield nodes, manager


def is_connected(manager: Any) -> bool:
    return manager.dispatcher.connections.get(UID).state is ConnectionState.CONNECTED


def test_an_api_call_and_its_result(tmp_path: Path) -> None:
    trace = Trace(RunningTasks.start, Client.call_async, RunningTasks.end, Publisher.publish)
    with traced_manager(trace, tmp_path) as (nodes, manager):
        nodes.add(SimulatedFleet, ping_period_s=NEVER_S, stream_period_s=NEVER_S, longest_s=0.0)
        caller = nodes.add(Node, 'caller')
        nodes.spin_until(lambda: is_connected(manager))

        def call() -> None:
            info = delta_arm_move(caller, 'H4001', x=1.0, y=2.0, z=3.0)
            nodes.spin_until(info.result.done)
            assert info.parse().x == 1.0

        call()  # The first call waits until all nodes have discovered each other.
        with trace.recording():
            call()
    assert trace.path(CALL[0]) == described(CALL)
    assert trace.path(CALL_IN_MANAGER[0]) == described(CALL_IN_MANAGER)
    assert trace.path(RESULT[0]) == described(RESULT)


class GatewayDevice:
    """A device behind the gateway."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        service = SERIALIZED_DEVICE_COMMAND_SERVICE(UID)
        self._send(op='advertise_service', service=service)
        self._send(op='call_service', service=CONNECT_DEVICE_SERVICE, args={'uid': UID})

    def publish(self, topic: str, **message: object) -> None:
        self._send(op='publish', topic=topic, msg=message)

    def _send(self, **frame: object) -> None:
        self._socket.send(json.dumps(frame))


@contextmanager
def gateway_device(nodes: NodesInProcess, manager: Any) -> Iterator[GatewayDevice]:
    with connect(f'ws://127.0.0.1:{manager._gateway.port}') as socket:
        device = GatewayDevice(socket)
        nodes.spin_until(lambda: is_connected(manager))
        yield device


def test_a_ping_through_the_gateway(tmp_path: Path) -> None:
    # A ping waits for other events before it wakes the executor's thread.
    trace = Trace(session.decode_message, BaseEventLoop.call_later, Connections._apply)
    with (
        traced_manager(trace, tmp_path) as (nodes, manager),
        gateway_device(nodes, manager) as device,
        trace.recording(),
    ):
        device.publish(topics.DEVICE_PING_TOPIC, data=UID)
        nodes.spin_until(lambda: PING[-1].code() in trace.calls)
    on_the_gateways_thread, on_the_executors_thread = PING[0], PING[4]
    assert trace.path(on_the_gateways_thread, on_the_executors_thread) == described(PING)


def test_a_frame_of_the_gateway_to_a_published_sample(tmp_path: Path) -> None:
    trace = Trace(session.decode_message, link._wake, dispatcher.parse_values, Publisher.publish)
    with (
        traced_manager(trace, tmp_path) as (nodes, manager),
        gateway_device(nodes, manager) as device,
        trace.recording(),
    ):
        device.publish(topics.DEVICE_STREAM_TOPIC(UID, STREAM), uid=UID, data='V1V2V3')
        nodes.spin_until(lambda: FRAME[-1].code() in trace.calls)
    on_the_gateways_thread, on_the_executors_thread = FRAME[0], FRAME[4]
    assert trace.path(on_the_gateways_thread, on_the_executors_thread) == described(FRAME)


def fill(server: RunningAirtable, tables: Tables) -> None:
    policy = RequestPolicy(requests=10_000)
    airtable = Airtable(find_credentials(server.environment), RateLimiter(policy), server.url)
    init_base(airtable, RememberedIds(), ['fleet-demo', 'fleet-lab'])
    push_tables(airtable, tables, RememberedIds())


def broken_tables() -> Tables:
    """Return the sample with a wrong type in the arguments of a function."""
    tables = dict(LocalCopy(SAMPLE_DB).read_tables()[0])
    tables['apis'] = [
        {**row, 'arguments': ['x:float99']} if row['function_name'] == 'delta_arm_move' else row
        for row in tables['apis']
    ]
    return tables


def test_a_cell_of_airtable_to_a_refused_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The trace slows discovery down.
    monkeypatch.setattr(limits, 'MANAGER_TIMEOUT_S', 120.0)
    trace = Trace()
    with running_airtable() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        fill(server, broken_tables())
        copy = tmp_path / 'copy'
        LocalCopy(copy).write(LocalCopy(SAMPLE_DB).read_tables()[0])
        parameters = {'device_db': 'airtable', 'device_db_path': str(copy)}
        with traced_manager(trace, tmp_path, **parameters) as (nodes, manager):
            manager.handle_event(ROS_LINK, ConnectRequested(UID))
            caller = nodes.add(Node, 'caller')
            reload = caller.create_client(Trigger, DEVICE_DB_RELOAD_SERVICE)
            nodes.spin_until(reload.service_is_ready)
            with trace.recording():
                answer = reload.call_async(Trigger.Request())
                nodes.spin_until(answer.done)
                info = delta_arm_move(caller, 'H4001', x=1.0, y=2.0, z=3.0)
                nodes.spin_until(info.result.done)
    with pytest.raises(CallFailedError, match=r"'apis'.*'delta_arm_move'.*'arguments'.*float99"):
        info.parse()
    assert trace.missing(CELL) is None


def test_a_byte_on_a_serial_line_to_a_sample() -> None:
    trace = Trace()
    # The port is read from the moment it is opened, so the opening is recorded as well.
    with trace.prepared(), running_host(L1Driver) as rig, trace.recording():
        port = rig.plug(L1Board())
        rig.bench.send(port, b'S0V300\n')
        assert rig.event('sample') == ('sample', SHAKER_UID, 'speed', 'V300')
    assert trace.missing(BYTE) is None
