"""How the manager and the simulated fleet end: with code 0, after a result for each task."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from manager_process import SIMULATED_FLEET, Program
from managers import ManagerStarter
from ros_peers import finish_at_once

STOPPED = 'the device manager was stopped; the device may still execute the command'
SIGNALS = [signal.SIGINT, signal.SIGTERM]


@pytest.mark.parametrize('number', SIGNALS)
def test_a_signal_ends_the_manager_under_load_and_every_task_with_it(
    starter: ManagerStarter, number: signal.Signals
) -> None:
    manager = starter.start()
    caller, silent, busy = manager.caller, manager.bench(), manager.bench(finish_at_once)
    waiting = [caller.call(silent.device_id, 'rest') for _ in range(3)]
    futures = [caller.call_async(busy.device_id, 'rest') for _ in range(1500)]
    caller.accepted(futures[0])
    manager.program.stop(number)
    for result in caller.results(waiting):
        assert (result.success, result.error, result.result_jsons) == (False, STOPPED, '{}')
    answered = [future.result().task_id for future in futures if future.done()]
    assert len(set(answered)) == len(answered) > 0
    for result in caller.results(answered):
        assert result.success or result.error == STOPPED


def test_thousands_of_running_tasks_each_get_their_result_at_the_end(
    starter: ManagerStarter,
) -> None:
    manager = starter.start()
    # As many as may run, for a device that is switched off.
    row = next(manager.pool.benches)
    manager.side.connect(row.uid)
    futures = [manager.caller.call_async(row.device_id, 'rest') for _ in range(4000)]
    task_ids = [manager.caller.accepted(future) for future in futures]
    manager.program.stop()
    results = manager.caller.results(task_ids)
    assert {result.error for result in results} == {STOPPED}


@pytest.mark.parametrize('number', SIGNALS)
def test_a_signal_while_the_manager_starts_ends_it_too(
    starter: ManagerStarter, number: signal.Signals
) -> None:
    program = starter.manager()
    program.wait_for_output('specification: ')
    program.stop(number)


def test_repeated_signals_do_not_change_the_end(starter: ManagerStarter) -> None:
    manager = starter.start()
    task_id = manager.caller.call(manager.bench().device_id, 'rest')
    for _ in range(5):
        manager.program.process.send_signal(signal.SIGINT)
    assert manager.program.wait() == 0
    assert 'Traceback' not in manager.program.output
    assert manager.caller.result(task_id).error == STOPPED


def test_continuous_signals_do_not_kill_a_program_that_ends(starter: ManagerStarter) -> None:
    # A launch file passes Ctrl-C on that the terminal has sent to its programs already.
    program = starter.program(SIMULATED_FLEET)
    program.wait_for_output('simulating')
    while program.process.poll() is None:
        program.process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            program.process.wait(0.001)
    assert program.wait() == 0, program.output
    assert 'Traceback' not in program.output


def test_a_killed_caller_does_not_delay_others(starter: ManagerStarter, tmp_path: Path) -> None:
    # A process that is killed leaves shared memory behind, which upsets others.
    environment = {'FASTDDS_BUILTIN_TRANSPORTS': 'UDPv4'}
    manager = starter.start(environment=environment)
    device = manager.bench()
    script = tmp_path / 'killed_caller.py'
    script.write_text(_KILLED_CALLER)
    killed = starter.program(
        'killed_caller',
        *('-r', f'__ns:={manager.caller.node.get_namespace()}'),
        environment={**environment, 'PYTHONPATH': os.pathsep.join([str(tmp_path), *sys.path])},
    )
    device.command()
    killed.kill()
    device.on_command = finish_at_once
    task_ids = [manager.caller.call(device.device_id, 'rest') for _ in range(100)]
    assert all(result.success for result in manager.caller.results(task_ids))
    manager.program.stop()


_KILLED_CALLER = textwrap.dedent("""
    import rclpy
    from hos_interfaces.msg import DeviceAPICallResult
    from hos_interfaces.srv import DeviceAPICall
    from hos_device_layer import services, topics
    from hos_device_layer.qos import RESULT_QOS, SERVICE_QOS

    rclpy.init()
    node = rclpy.create_node('killed_caller')
    node.create_subscription(
        DeviceAPICallResult, topics.DEVICE_API_CALL_RESULT_TOPIC, lambda _: None, RESULT_QOS
    )
    client = node.create_client(
        DeviceAPICall, services.DEVICE_API_CALL_SERVICE, qos_profile=SERVICE_QOS
    )
    client.wait_for_service()
    for _ in range(300):
        client.call_async(DeviceAPICall.Request(device_id='B000', function_name='rest'))
    rclpy.spin(node)
""")


@pytest.mark.parametrize('number', SIGNALS)
def test_a_signal_ends_the_simulated_fleet(
    starter: ManagerStarter, number: signal.Signals
) -> None:
    fleet: Program = starter.program(SIMULATED_FLEET, ping_period_s=0.01, stream_period_s=0.01)
    fleet.wait_for_output('simulating .* devices')
    fleet.stop(number)
