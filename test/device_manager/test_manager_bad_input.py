"""The errors for wrong calls and invalid specifications: what is wrong, where, and what to do."""

from __future__ import annotations

import re

import pytest
from managers import ManagerStarter, RunningManager
from ros_peers import Device, finish_at_once
from sample_fleet import MEASURE_ARGUMENTS, TWIN_ID, UIDLESS_ID, write_sample_fleet

POINT = [('x', 'float32', '1'), ('y', 'float32', '2'), ('z', 'float32', '3')]
ANGLE = ('angle', 'int16', '90')


@pytest.fixture(scope='module')
def arm(manager: RunningManager) -> Device:
    return manager.arm()


@pytest.fixture(scope='module')
def bench(manager: RunningManager) -> Device:
    return manager.bench()


@pytest.mark.parametrize(
    ('function', 'arguments', 'parts'),
    [
        ('nonsense', [], ["has no function 'nonsense'", 'it has: arm_mark, arm_move, arm_turn']),
        ('measure', MEASURE_ARGUMENTS, ["'Arm'", "has no function 'measure'", 'it has: arm_mark']),
        ('bake', [], ["has no function 'bake'", 'it has: ']),
        ('arm_move', POINT[:2], ['expected x, y, z, in this order', "got 'x, y'"]),
        ('arm_move', [*POINT, ANGLE], ['expected x, y, z', "got 'x, y, z, angle'"]),
        ('arm_move', [], ['expected x, y, z', "got 'no arguments'"]),
        ('arm_move', POINT[::-1], ['expected x, y, z, in this order', "got 'z, y, x'"]),
        ('arm_turn', [('angel', 'int16', '90')], ['expected angle', "got 'angel'"]),
        ('arm_turn', [('angle', 'int32', '90')], ["angle: expected type int16, got 'int32'"]),
        ('arm_turn', [('angle', '', '90')], ["angle: expected type int16, got ''"]),
        ('arm_turn', [('angle', 'int16', '361')], ['angle', "'361' is outside -360..360"]),
        ('arm_turn', [('angle', 'int16', '90000')], ['expected int16 (-32768..32767), got 90000']),
        ('arm_turn', [('angle', 'int16', '1Y9')], ["expected int16 (-32768..32767), got '1Y9'"]),
        ('arm_turn', [('angle', 'int16', 'abc')], ["expected int16 (-32768..32767), got 'abc'"]),
        ('arm_turn', [('angle', 'int16', '9' * 5000)], ['expected int16 (-32768..32767), got ']),
        ('arm_turn', [('angle', 'int16', '')], ["expected int16 (-32768..32767), got ''"]),
        ('arm_turn', [('angle', 'int16', '1.5')], ["expected int16 (-32768..32767), got '1.5'"]),
        ('arm_move', [('x', 'float32', 'NaN'), *POINT[1:]], ['x: expected float32, got nan']),
        ('arm_move', [('x', 'float32', 'inf'), *POINT[1:]], ['x: expected float32, got inf']),
        ('arm_move', [('x', 'float32', '60.5'), *POINT[1:]], ["'60.5' is outside -60..60 [mm]"]),
        ('say', [('text', 'string', 'a\nA1B2C3')], ["'a\\nA1B2C3' contains a control character"]),
        ('say', [('text', 'string', 'a\rb')], ['control character or line break']),
    ],
)
def test_a_wrong_call_is_refused_with_the_reason(
    manager: RunningManager,
    arm: Device,
    function: str,
    arguments: list[tuple[str, str, object]],
    parts: list[str],
) -> None:
    error = manager.caller.refusal(arm.device_id, function, arguments)
    assert repr(function) in error
    assert repr(arm.device_id) in error
    for part in parts:
        assert part in error
    assert len(error) < 600
    assert error.isprintable()
    assert arm.commands.empty()


def test_an_unknown_device_is_named_with_the_table_to_add_it_to(manager: RunningManager) -> None:
    error = manager.caller.refusal('H9999', 'rest')
    assert error == "no device 'H9999' in the fleet 'test'; add it to the table 'fleet-test'"


def test_a_long_device_id_is_shortened(manager: RunningManager) -> None:
    error = manager.caller.refusal('H\n' * 50_000, 'rest')
    assert len(error) < 600
    assert error.isprintable()


def test_a_device_that_never_connected_is_refused(manager: RunningManager) -> None:
    row = next(manager.pool.benches)
    error = manager.caller.refusal(row.device_id, 'rest')
    assert f"'{row.device_id}' is not connected: it has not connected since" in error


def test_a_call_of_a_device_without_a_uid_names_the_table(manager: RunningManager) -> None:
    error = manager.caller.refusal(UIDLESS_ID, 'rest')
    assert error == f"'{UIDLESS_ID}' has no uid yet; enter it in the table 'fleet-test'"


def test_a_call_of_a_rejected_device_is_refused_with_the_problem_of_its_row(
    manager: RunningManager,
) -> None:
    error = manager.caller.refusal(TWIN_ID, 'rest')
    assert f"the device '{TWIN_ID}' cannot be used: table 'fleet-test', row '{TWIN_ID}'" in error
    assert "column 'device_uid': 77000 belongs to 2 devices" in error


def test_a_call_of_a_rejected_function_is_refused_with_the_problem_of_its_row(
    manager: RunningManager, bench: Device
) -> None:
    error = manager.caller.refusal(bench.device_id, 'broken')
    assert "the function 'broken' cannot be used: table 'apis', row 'broken'" in error
    assert "column 'arguments': 'x': unknown type 'float99'" in error


def test_problems_of_the_specification_are_logged_at_the_start(manager: RunningManager) -> None:
    manager.program.wait_for_output("table 'apis', row 'broken', column 'arguments'")
    manager.program.wait_for_output("table 'fleet-test', row 'TWIN2', column 'device_uid'")


def test_max_in_flight_limits_the_running_calls(manager: RunningManager) -> None:
    device, other = manager.bench(), manager.bench(finish_at_once)
    task_id = manager.caller.call(device.device_id, 'lock')
    error = manager.caller.refusal(device.device_id, 'lock')
    assert f"'{device.device_id}' is already running 'lock' 1 times" in error
    assert 'wait for a result' in error
    assert manager.caller.result(manager.caller.call(other.device_id, 'lock')).success
    device.report(device.command().cmd_id)
    assert manager.caller.result(task_id).success
    assert manager.caller.call(device.device_id, 'lock') != task_id


def test_a_long_error_text_is_shortened_in_the_log(manager: RunningManager) -> None:
    device = manager.bench()
    text = 'jammed\n[INFO] all is well' + '!' * 100_000
    task_id = manager.caller.call(device.device_id, 'rest')
    device.report(task_id, success=False, error=text)
    assert manager.caller.result(task_id).error == text
    for n in range(2):
        device.report(task_id, success=False, error=f'{text}{n}')
    line = manager.program.wait_for_output(f'for task {task_id}, which has ended', times=2)
    assert len(line) < 600
    assert not re.search(r'^\[INFO\] all is well', manager.program.output, re.MULTILINE)


def test_a_hostile_refusal_is_quoted_on_one_line_of_the_log(manager: RunningManager) -> None:
    device = manager.bench()
    device.refusal = 'jammed\n[INFO] all is well' + '!' * 100_000
    task_id = manager.caller.call(device.device_id, 'rest')
    assert not manager.caller.result(task_id).success
    device.report(task_id)
    line = manager.program.wait_for_output(f'for task {task_id}, which has ended')
    assert 'jammed' in line
    assert len(line) < 600
    assert not re.search(r'^\[INFO\] all is well', manager.program.output, re.MULTILINE)


@pytest.fixture(scope='module')
def limited_manager(module_starter: ManagerStarter) -> RunningManager:
    small: RunningManager = module_starter.start(max_running_tasks=2, max_waiting_devices=2)
    return small


def test_max_waiting_devices_limits_the_waiting_devices(limited_manager: RunningManager) -> None:
    uids = [next(limited_manager.pool.unknown_uids) for _ in range(5)]
    for uid in uids:
        assert f'uid {uid} is not in the fleet' in limited_manager.side.connect(uid).error
    limited_manager.caller.wait_for_diagnostics()
    shown = ' '.join(limited_manager.caller.diagnostics)
    assert [f'uid{uid}' in shown for uid in uids] == [True, True, False, False, False]


def test_max_running_tasks_limits_the_running_tasks(limited_manager: RunningManager) -> None:
    manager = limited_manager
    device = manager.bench()
    running = [manager.caller.call(device.device_id, 'rest') for _ in range(2)]
    error = manager.caller.refusal(device.device_id, 'rest')
    assert 'running tasks: 2, the limit set by max_running_tasks' in error
    device.report(running[0])
    assert manager.caller.result(running[0]).success
    assert manager.caller.call(device.device_id, 'rest') not in running


def test_without_a_local_copy_the_manager_runs_and_says_so(
    starter: ManagerStarter, tmp_path
) -> None:
    folder = tmp_path / 'nowhere'
    manager = starter.start(device_db_path=folder)
    manager.program.wait_for_output(
        f'no local copy of the specification in {folder}.*every device is unknown'
    )
    answer = manager.side.connect(1)
    assert not answer.success
    assert "uid 1 is not in the fleet 'test'; there is no table 'fleet-test'" in answer.error
    error = manager.caller.refusal('H1', 'rest')
    assert "'H1'" in error
    assert "there is no table 'fleet-test'" in error


def test_an_unreadable_table_is_named_and_the_rest_runs(starter: ManagerStarter, tmp_path) -> None:
    write_sample_fleet(tmp_path)
    (tmp_path / 'streams.yaml').write_text('- stream: [\n')
    manager = starter.start(device_db_path=tmp_path)
    manager.program.wait_for_output(f'cannot read {tmp_path}/streams.yaml')
    device = manager.bench(finish_at_once)
    assert manager.caller.result(manager.caller.call(device.device_id, 'rest')).success


def test_an_unknown_fleet_is_named_with_the_valid_fleets(starter: ManagerStarter) -> None:
    manager = starter.start(fleet='nowhere')
    line = manager.program.wait_for_output("unknown fleet 'nowhere'")
    assert 'valid fleets: test. Set the parameter fleet.' in line
    for error in (manager.side.connect(1).error, manager.caller.refusal('H1', 'rest')):
        assert "there is no table 'fleet-nowhere'; valid fleets: test" in error
