"""`hos_run.launch.py`, executed with a real device manager."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hos_command import TIMEOUT_S, HosCommand
from launches import Launches

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


def wait_until_connected(launches: Launches, device_id: str) -> None:
    hos = HosCommand(launches.workspace.parent / 'home', **launches.environment)
    states: dict[str, str] = {}
    while states.get(device_id) != 'connected':
        listed = hos.run('devices', '--json')
        assert listed.code == 0, listed.err
        states = {device['device_id']: device['state'] for device in json.loads(listed.out)}


def assert_ended(programs: dict[int, str]) -> None:
    assert [pid for pid in programs if Path(f'/proc/{pid}').exists()] == []


def test_a_simulated_fleet_runs_until_ctrl_c(launches: Launches) -> None:
    with launches.run(FILE, 'simulate:=true', 'namespace:=bay1') as run:
        run.wait_for(r'\[device_manager-\d\].* devices expected')
        wait_until_connected(launches, 'H4001')
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


def test_a_fleet_and_a_source_can_be_chosen(launches: Launches) -> None:
    with launches.run(FILE, 'fleetname:=lab', 'device_db:=--local-db', 'log_level:=debug') as run:
        run.wait_for(r'\[DEBUG\]')
        assert parameters(launches, '/device_manager', 'fleet', 'device_db') == ['lab', 'local']
        assert run.stop() == 0


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
