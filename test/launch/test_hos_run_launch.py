"""`hos_run.launch.py`, executed with a real device manager."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hos_command import TIMEOUT_S, HosCommand
from launches import Launches
from project import ROOT

FILE = 'hos_run.launch.py'

READ_PARAMETERS = """
import json, sys, rclpy
from rclpy.parameter import parameter_value_to_python
from rclpy.parameter_client import AsyncParameterClient
rclpy.init()
node = rclpy.create_node('reader')
client = AsyncParameterClient(node, sys.argv[1])
assert client.wait_for_services(30.0)
future = client.get_parameters(sys.argv[2:])
rclpy.spin_until_future_complete(node, future, timeout_sec=30.0)
print(json.dumps([parameter_value_to_python(value) for value in future.result().values]))
"""


def parameters(launches: Launches, node: str, *names: str) -> list[object]:
    """Return parameters of a running node."""
    done = subprocess.run(
        [sys.executable, '-c', READ_PARAMETERS, node, *names],
        env=launches.environment,
        stdout=subprocess.PIPE,
        timeout=TIMEOUT_S,
        check=True,
    )
    values: list[object] = json.loads(done.stdout)
    return values


def wait_until_connected(launches: Launches, device_id: str, namespace: str = '') -> None:
    hos = HosCommand(launches.workspace.parent / 'home', **launches.environment)
    states: dict[str, str] = {}
    while states.get(device_id) != 'connected':
        listed = hos.run('devices', '--json', '--namespace', namespace)
        assert listed.code == 0, listed.err
        states = {device['device_id']: device['state'] for device in json.loads(listed.out)}


def assert_ended(programs: dict[int, str]) -> None:
    assert [pid for pid in programs if Path(f'/proc/{pid}').exists()] == []


def test_a_simulated_fleet_runs_until_ctrl_c(launches: Launches) -> None:
    with launches.run(FILE, 'simulate:=true', 'namespace:=bay1') as run:
        run.wait_for(r'\[device_manager-\d\].* devices expected')
        wait_until_connected(launches, 'H4001', 'bay1')
        assert parameters(launches, '/bay1/device_manager', 'fleet') == ['demo']
        assert parameters(launches, '/bay1/simulated_fleet', 'fleet') == ['demo']
        programs = run.children()
        assert len(programs) == 2
        assert run.stop() == 0
        assert_ended(programs)


def test_arguments_override_the_parameter_file(launches: Launches) -> None:
    file = launches.workspace / 'mine.yaml'
    values = {'fleet': 'lab', 'device_timeout_s': 7.5, 'command_result_timeout_s': 33.0}
    file.write_text(json.dumps({'/**': {'ros__parameters': values}}))
    with launches.run(FILE, f'params_file:={file.name}', 'device_timeout_s:=2') as run:
        run.wait_for('devices expected')
        names = [*values, 'device_db', 'gateway_enabled']
        read = parameters(launches, '/device_manager', *names)
        assert dict(zip(names, read)) == {
            'fleet': 'lab',
            'device_timeout_s': 2.0,
            'command_result_timeout_s': 33.0,
            'device_db': 'local',
            'gateway_enabled': True,
        }
        assert run.stop() == 0


def test_arguments_override_a_section_for_the_node_too(launches: Launches) -> None:
    file = launches.workspace / 'mine.yaml'
    sections = {'/**': {'fleet': 'demo'}, '/bay1/device_manager': {'fleet': 'lab'}}
    file.write_text(json.dumps({k: {'ros__parameters': v} for k, v in sections.items()}))
    arguments = ('fleetname:=demo', 'device_timeout_s:=3', 'namespace:=bay1')
    with launches.run(FILE, f'params_file:={file.name}', *arguments) as run:
        run.wait_for('devices expected')
        read = parameters(launches, '/bay1/device_manager', 'fleet', 'device_timeout_s')
        assert read == ['demo', 3.0]
        assert run.stop() == 0


def test_a_fleet_and_a_source_can_be_chosen(launches: Launches) -> None:
    with launches.run(FILE, 'fleetname:=lab', 'device_db:=local', 'log_level:=debug') as run:
        run.wait_for(r'\[DEBUG\]')
        assert parameters(launches, '/device_manager', 'fleet', 'device_db') == ['lab', 'local']
        assert run.stop() == 0
        assert 'deprecated' not in run.output


def test_the_former_names_of_the_sources_are_understood(launches: Launches) -> None:
    with launches.run(FILE, 'device_db:=--local-db') as run:
        run.wait_for('device_db:=--local-db is deprecated; use device_db:=local')
        run.wait_for('devices expected')
        assert parameters(launches, '/device_manager', 'device_db') == ['local']
        assert run.stop() == 0


@pytest.mark.parametrize('fleet', ['007', 'y'])
def test_a_fleet_that_looks_like_something_else_stays_a_text(
    launches: Launches, fleet: str
) -> None:
    with launches.run(FILE, f'fleetname:={fleet}') as run:
        run.wait_for(f"fleet '{fleet}': 0 devices expected")
        assert parameters(launches, '/device_manager', 'fleet') == [fleet]
        assert run.stop() == 0


def test_the_specification_and_the_gateway_can_be_chosen(launches: Launches) -> None:
    folder = Path(launches.environment['HOME']) / 'my db'
    shutil.copytree(ROOT / 'device_db', folder)
    arguments = ('device_db_path:=~/my db', 'gateway_address:=localhost', 'gateway_port:=0')
    with launches.run(FILE, *arguments, 'simulate:=true') as run:
        run.wait_for(r'gateway: ws://localhost:\d+')
        run.wait_for('devices expected')
        wait_until_connected(launches, 'H4001')
        names = ('device_db_path', 'gateway_address', 'gateway_port')
        given = ['~/my db', 'localhost', 0]
        assert parameters(launches, '/device_manager', *names) == given
        assert run.stop() == 0


def test_the_parameter_file_may_contain_substitutions(launches: Launches) -> None:
    file = launches.workspace / 'mine.yaml'
    file.write_text(
        '# A comment with "quotes".\n'
        "/**:\n  ros__parameters:\n    fleet: '007'\n"
        '    device_db_path: $(find-pkg-share hos_device_layer)/device_db\n'
    )
    with launches.run(FILE, f'params_file:={file.name}') as run:
        run.wait_for('devices expected')
        folder, fleet = parameters(launches, '/device_manager', 'device_db_path', 'fleet')
        assert str(folder).endswith('/share/hos_device_layer/device_db')
        assert Path(str(folder)).is_dir()
        assert fleet == '007'
        assert run.stop() == 0


@pytest.mark.parametrize('argument', ['', 'gateway_port:=0', 'gateway_port:={port}'])
def test_the_host_follows_the_gateway(launches: Launches, argument: str) -> None:
    ports = free_ports(2)
    file = launches.workspace / 'mine.yaml'
    values = {'gateway_port': ports[0], 'gateway_address': '0.0.0.0'}
    file.write_text(json.dumps({'/bay1/*': {'ros__parameters': values}}))
    arguments = [argument.format(port=ports[1])] if argument else []
    arguments += [f'params_file:={file.name}', 'namespace:=bay1', 'host:=true']
    with launches.run(FILE, *arguments) as run:
        port = run.wait_for(r'gateway: ws://0\.0\.0\.0:(\d+)')[1]
        (host,) = (program for program in run.children().values() if 'hos_client' in program)
        assert f'--url ws://127.0.0.1:{port} ' in host
        if argument != 'gateway_port:=0':
            assert int(port) == ports[bool(argument)]
        assert run.stop() == 0


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(socket.create_server(('', 0))) for _ in range(count)]
        return [server.getsockname()[1] for server in servers]


@pytest.fixture
def rosbridge(launches: Launches, tmp_path: Path) -> None:
    """A package in place of rosbridge_server, whose program runs until a signal ends it."""
    index = tmp_path / 'share' / 'ament_index' / 'resource_index' / 'packages'
    index.mkdir(parents=True)
    (index / 'rosbridge_server').touch()
    program = tmp_path / 'lib' / 'rosbridge_server' / 'rosbridge_websocket'
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/sh\necho rosbridge is running\nexec sleep 1000\n')
    program.chmod(0o755)
    prefixes = launches.environment['AMENT_PREFIX_PATH']
    launches.environment['AMENT_PREFIX_PATH'] = f'{tmp_path}:{prefixes}'


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize('other', ['host', 'rosbridge'])
def test_no_node_outlives_the_launch(
    launches: Launches, rosbridge: None, other: str, number: signal.Signals
) -> None:
    with launches.run(FILE, 'simulate:=true', f'{other}:=true', 'gateway_port:=0') as run:
        run.wait_for('devices expected')
        wait_until_connected(launches, 'H4001')
        if other == 'rosbridge':
            run.wait_for('rosbridge is running')
        programs = run.children()
        assert len(programs) == 3
        handles = [os.pidfd_open(pid) for pid in programs]
        run.process.send_signal(number)
        for handle in handles:
            assert select.select([handle], [], [], TIMEOUT_S)[0], programs
            os.close(handle)
        run.wait()


def test_the_files_of_a_launch_are_removed(launches: Launches) -> None:
    temporary = launches.workspace / 'tmp'
    temporary.mkdir()
    launches.environment['TMPDIR'] = str(temporary)
    with launches.run(FILE) as run:
        run.wait_for('devices expected')
        assert run.stop() == 0
    assert list(temporary.iterdir()) == []


def test_the_launch_ends_with_the_device_manager(launches: Launches) -> None:
    with launches.run(FILE, 'simulate:=true') as run:
        run.wait_for('devices expected')
        programs = run.children()
        (manager,) = (pid for pid, program in programs.items() if 'device_manager' in program)
        os.kill(manager, signal.SIGTERM)
        run.wait()
        assert 'Traceback' not in run.output
        assert_ended(programs)


def test_a_host_can_be_started_beside_it(launches: Launches) -> None:
    with launches.run(FILE, 'host:=true') as run:
        run.wait_for(r'\[host-\d\]: process started')
        run.wait_for('devices expected')
        assert any('hos_client.host' in program for program in run.children().values())
        assert run.stop() == 0


@pytest.mark.parametrize(
    ('arguments', 'reason'),
    [
        (['params_file:=none.yaml'], r'params_file: expected a parameter file, found none at .*'),
        (['device_timeout_s:=soon'], "device_timeout_s: expected a number of seconds, .*'soon'"),
        (['gateway_port:=first'], "gateway_port: expected the number of a port, .*'first'"),
        (['host:=true', 'rosbridge:=true'], 'host:=true needs the gateway'),
        (['simulate:=perhaps'], 'simulate.*perhaps'),
        (['rosbridge:=true'], "package 'rosbridge_server' not found"),
    ],
)
def test_wrong_arguments_start_nothing(
    launches: Launches, arguments: list[str], reason: str
) -> None:
    with launches.run(FILE, *arguments) as run:
        assert run.wait() == 1
        run.wait_for(reason)
        assert 'process started' not in run.output
