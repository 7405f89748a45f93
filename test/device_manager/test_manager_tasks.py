"""
What the manager promises of calls and their results, over DDS.

The promises are in docs/architecture.md, section "Guarantees".
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from manager_process import patched
from managers import ManagerStarter, RunningManager
from ros_peers import Device, finish_at_once, mute_device
from sample_fleet import MEASURE_ARGUMENTS


def say(text: str) -> list[tuple[str, str, object]]:
    return [('text', 'string', text)]


def test_a_typed_command_carries_typed_fields(manager: RunningManager) -> None:
    device = manager.bench()
    task_id = manager.caller.call(device.device_id, 'measure', MEASURE_ARGUMENTS)
    command = device.command()
    assert command.cmd_id == task_id
    assert command.function_name == 'measure'
    assert command.num_args == 4
    assert [(field.name, field.type, field.data) for field in command.args] == [
        ('count', 'uint8', '3'),
        ('level', 'float64', '1.5'),
        ('on', 'bool', '1'),
        ('note', 'string', 'a, b'),
    ]


@pytest.mark.parametrize(
    ('function', 'arguments', 'serialized'),
    [
        ('arm_turn', [('angle', 'int16', '-90')], 'R-90'),
        ('arm_mark', [('first', 'uint8', '7'), ('second', 'float32', '1e-3')], 'A7B0.001C'),
        (
            'arm_move',
            [('x', 'float32', '1.50'), ('y', 'float32', '-2'), ('z', 'float32', '+3')],
            'A1.5B-2C3',
        ),
        ('say', say('to $ the "letter" äß'), 'Tto $ the "letter" äß'),
    ],
)
def test_a_serialized_command_is_its_template_with_the_arguments(
    manager: RunningManager,
    function: str,
    arguments: list[tuple[str, str, object]],
    serialized: str,
) -> None:
    device = manager.arm()
    manager.caller.call(device.device_id, function, arguments)
    command = device.command()
    assert command.serialized_command == serialized
    assert command.function_name == function


@pytest.mark.parametrize('result_str', ['V12.5V1', '{"mass": 12.5, "ok": true}'])
def test_a_result_in_either_form_becomes_typed_json(
    manager: RunningManager, result_str: str
) -> None:
    device = manager.bench()
    task_id = manager.caller.call(device.device_id, 'measure', MEASURE_ARGUMENTS)
    device.report(device.command().cmd_id, result_str)
    result = manager.caller.result(task_id)
    assert (result.success, result.error) == (True, '')
    values = json.loads(result.result_jsons)
    assert values == {'mass': 12.5, 'ok': True}
    assert values['ok'] is True
    assert 0 < result.request_time_s <= result.response_time_s
    assert manager.caller.event_infos(device.uid)[0].event_time_s <= result.request_time_s


def test_a_result_before_the_acceptance_is_accepted(manager: RunningManager) -> None:
    device = manager.bench(lambda d, request: d.report(request.cmd_id, 'Vfirst'))
    task_ids = [manager.caller.call(device.device_id, 'say', say('x')) for _ in range(20)]
    for result in manager.caller.results(task_ids):
        assert result.result_jsons == '{"text":"first"}'
    _fence(manager, device)


def _fence(manager: RunningManager, device: Device) -> None:
    # One publisher's results keep their order: a second one of an earlier task came before this.
    device.on_command = finish_at_once
    assert manager.caller.result(manager.caller.call(device.device_id, 'rest')).success


def test_only_the_first_result_of_a_command_is_accepted(manager: RunningManager) -> None:
    device = manager.bench()
    task_id = manager.caller.call(device.device_id, 'say', say('x'))
    device.command()
    device.report(task_id, 'Vfirst')
    device.report(task_id, 'Vsecond')
    device.report(task_id, success=False, error='third')
    manager.program.wait_for_output(f'for task {task_id}, which has ended', times=2)
    _fence(manager, device)
    assert manager.caller.result(task_id).result_jsons == '{"text":"first"}'


def test_a_refusal_carries_the_devices_reason(manager: RunningManager) -> None:
    device = manager.bench()
    device.refusal = 'the door is open'
    result = manager.caller.result(manager.caller.call(device.device_id, 'rest'))
    assert not result.success
    assert result.error == f"'{device.device_id}' refused 'rest': the door is open"
    assert result.result_jsons == '{}'


def test_a_result_after_a_refusal_is_dropped(manager: RunningManager) -> None:
    device = manager.bench()
    device.refusal = 'no'
    task_id = manager.caller.call(device.device_id, 'rest')
    assert not manager.caller.result(task_id).success
    device.report(task_id)
    manager.program.wait_for_output(f'for task {task_id}, which has ended')
    device.refusal = None
    _fence(manager, device)
    assert not manager.caller.result(task_id).success


def test_a_failed_result_keeps_the_error_text_of_the_device(manager: RunningManager) -> None:
    device = manager.bench()
    text = 'E42: "jammed"\nat 3.5 mm – call Zoë'
    task_id = manager.caller.call(device.device_id, 'measure', MEASURE_ARGUMENTS)
    device.report(device.command().cmd_id, success=False, error=text)
    result = manager.caller.result(task_id)
    assert (result.success, result.error, result.result_jsons) == (False, text, '{}')


def test_a_device_that_never_answers_fails_its_task_once(
    accept_timeout_manager: RunningManager,
) -> None:
    row = next(accept_timeout_manager.pool.benches)
    node = mute_device(accept_timeout_manager.side, row)
    accept_timeout_manager.side.connect(row.uid)
    task_id = accept_timeout_manager.caller.call(row.device_id, 'rest')
    result = accept_timeout_manager.caller.result(task_id)
    assert result.error == f"'{row.device_id}' did not accept 'rest' within 0.4 s"
    node.destroy_node()


def test_a_device_without_a_service_fails_its_task_once(
    accept_timeout_manager: RunningManager,
) -> None:
    row = next(accept_timeout_manager.pool.benches)
    accept_timeout_manager.side.connect(row.uid)
    task_id = accept_timeout_manager.caller.call(row.device_id, 'rest')
    result = accept_timeout_manager.caller.result(task_id)
    assert 'did not accept' in result.error


def test_a_device_that_accepts_and_reports_nothing_fails_its_task_once(
    result_timeout_manager: RunningManager,
) -> None:
    device = result_timeout_manager.bench()
    of_the_manager = result_timeout_manager.caller.call(device.device_id, 'rest')
    of_the_function = result_timeout_manager.caller.call(device.device_id, 'brief')
    result = result_timeout_manager.caller.result(of_the_manager)
    assert result.error == f"'{device.device_id}' did not finish 'rest' within 0.5 s"
    result = result_timeout_manager.caller.result(of_the_function)
    assert result.error == f"'{device.device_id}' did not finish 'brief' within 0.3 s"


def test_a_late_result_is_logged_and_dropped(result_timeout_manager: RunningManager) -> None:
    device = result_timeout_manager.bench()
    task_id = result_timeout_manager.caller.call(device.device_id, 'brief')
    command = device.command()
    assert not result_timeout_manager.caller.result(task_id).success
    device.report(command.cmd_id)
    line = result_timeout_manager.program.wait_for_output(f'task {task_id}, which has ended')
    assert 'did not finish' in line
    _fence(result_timeout_manager, device)
    assert not result_timeout_manager.caller.result(task_id).success


def test_faulty_devices_do_not_block_others(manager: RunningManager) -> None:
    row = next(manager.pool.benches)
    mute = mute_device(manager.side, row)
    manager.side.connect(row.uid)
    absent = next(manager.pool.arms)
    manager.side.connect(absent.uid)
    silent, healthy = manager.bench(), manager.bench(finish_at_once)
    running = [
        manager.caller.call(device_id, function)
        for device_id, function in ((row.device_id, 'rest'), (silent.device_id, 'rest'))
    ]
    running.append(manager.caller.call(absent.device_id, 'arm_turn', [('angle', 'int16', 1)]))
    task_ids = [manager.caller.call(healthy.device_id, 'rest') for _ in range(50)]
    assert all(result.success for result in manager.caller.results(task_ids))
    assert not any(manager.caller.has_result(task_id) for task_id in running)
    mute.destroy_node()


def test_a_command_is_held_until_the_service_is_discovered(manager: RunningManager) -> None:
    row = next(manager.pool.benches)
    manager.side.connect(row.uid)
    task_id = manager.caller.call(row.device_id, 'rest')
    Device(manager.side, row, finish_at_once)
    assert manager.caller.result(task_id).success


def test_a_restarted_device_receives_its_next_command_once(manager: RunningManager) -> None:
    device = manager.bench(finish_at_once)
    assert manager.caller.result(manager.caller.call(device.device_id, 'rest')).success
    device.leave()
    # Seen from the manager: until then a command may still go to the one that left.
    manager.caller.wait_for(lambda: not device.is_seen(manager.caller.node))
    again = manager.device(device.row, finish_at_once)
    assert manager.caller.result(manager.caller.call(device.device_id, 'rest')).success
    again.command()
    assert again.commands.empty()


def test_a_result_from_the_wrong_uid_is_dropped(manager: RunningManager) -> None:
    device, other = manager.bench(), manager.bench()
    task_id = manager.caller.call(device.device_id, 'say', say('x'))
    device.command()
    other.report(task_id, 'Vforged')
    manager.program.wait_for_output(
        f'a result for task {task_id}: it was sent by uid {other.uid}, '
        f"but the task runs on '{device.device_id}'"
    )
    device.report(task_id, 'Vtrue')
    assert manager.caller.result(task_id).result_jsons == '{"text":"true"}'


def test_a_result_for_an_unknown_command_is_dropped(manager: RunningManager) -> None:
    device = manager.bench()
    device.report(4_000_000_000, 'V1')
    manager.program.wait_for_output('task 4000000000, which is unknown')
    _fence(manager, device)


@pytest.mark.parametrize(
    ('result_str', 'why'),
    [
        ('V12.5', 'number of values: expected 2, got 1'),
        ('', 'number of values: expected 2, got 0'),
        ('V12.5V1V7', 'number of values: expected 2, got 3'),
        ('V1Y9V1', 'mass'),
        ('VnanV1', 'mass'),
        ('VinfV1', 'mass'),
        ('V12.5V7', 'ok'),
        ('12.5', 'neither a JSON object nor values preceded by V'),
        ('{"mass": 12.5}', 'missing values: ok'),
        ('{"mass": 12.5, "ok": true, "more": 1}', "unknown values: 'more'"),
        ('{"mass": NaN, "ok": true}', 'invalid JSON'),
        ('{"mass": 1e999, "ok": true}', 'mass'),
        ('{' * 100_000, 'invalid JSON'),
        ('{"mass": "heavy", "ok": true}', 'mass'),
    ],
)
def test_an_invalid_result_fails_with_what_was_expected(
    manager: RunningManager, result_str: str, why: str
) -> None:
    device = _measuring_device(manager)
    task_id = manager.caller.call(device.device_id, 'measure', MEASURE_ARGUMENTS)
    device.report(device.command().cmd_id, result_str)
    result = manager.caller.result(task_id)
    assert not result.success
    assert "the result does not fit 'measure'" in result.error
    assert why in result.error
    assert 'expected mass:float64, ok:bool; got' in result.error
    assert len(result.error) < 500
    assert result.result_jsons == '{}'


_measuring: list[Device] = []


def _measuring_device(manager: RunningManager) -> Device:
    if not _measuring:
        _measuring.append(manager.bench())
    return _measuring[0]


def test_json_never_holds_nan_or_infinity(manager: RunningManager) -> None:
    device = manager.bench()
    task_id = manager.caller.call(device.device_id, 'measure', MEASURE_ARGUMENTS)
    device.report(device.command().cmd_id, 'V1e308V1')

    def refuse(name: str) -> float:
        raise AssertionError(name)

    values = json.loads(manager.caller.result(task_id).result_jsons, parse_constant=refuse)
    assert math.isfinite(values['mass'])


def test_hundreds_of_calls_to_one_device_are_each_answered_once(manager: RunningManager) -> None:
    device = manager.bench(lambda d, request: d.report(request.cmd_id, f'V{request.args[0].data}'))
    texts = [str(number) for number in range(600)]
    assert _answers(manager, [(device.device_id, text) for text in texts]) == texts
    _fence(manager, device)


def test_hundreds_of_calls_to_many_devices_are_each_answered_once(manager: RunningManager) -> None:
    devices = [manager.bench(lambda d, r: d.report(r.cmd_id, f'V{d.uid}')) for _ in range(10)]
    calls = [(devices[number % 10].device_id, 'x') for number in range(600)]
    expected = [str(devices[number % 10].uid) for number in range(600)]
    assert _answers(manager, calls) == expected
    for device in devices:
        _fence(manager, device)


def test_results_in_any_order_reach_their_own_calls(manager: RunningManager) -> None:
    device = manager.bench()
    futures = [manager.caller.call_async(device.device_id, 'say', say(str(i))) for i in range(300)]
    commands = [device.command() for _ in futures]
    for command in reversed(commands):
        device.report(command.cmd_id, f'V{command.args[0].data}')
    task_ids = [manager.caller.accepted(future) for future in futures]
    results = manager.caller.results(task_ids)
    assert [json.loads(r.result_jsons)['text'] for r in results] == [str(i) for i in range(300)]


def _answers(manager: RunningManager, calls: list[tuple[str, str]]) -> list[str]:
    """Make calls of `say` all at once and return what each was answered."""
    futures = [manager.caller.call_async(device_id, 'say', say(text)) for device_id, text in calls]
    task_ids = [manager.caller.accepted(future) for future in futures]
    assert len(set(task_ids)) == len(calls)
    return [json.loads(r.result_jsons)['text'] for r in manager.caller.results(task_ids)]


def test_task_ids_are_not_used_again_after_a_restart(
    starter: ManagerStarter, tmp_path: Path
) -> None:
    task_ids: list[int] = []
    for _ in range(2):
        manager = starter.start(state_folder=tmp_path)
        device = manager.bench(finish_at_once)
        task_ids += [manager.caller.call(device.device_id, 'rest') for _ in range(5)]
        manager.caller.results(task_ids[-5:])
        manager.program.stop()
    assert len(set(task_ids)) == 10
    assert all(0 < task_id < 2**32 for task_id in task_ids)


def test_two_devices_with_one_uid_give_one_result(manager: RunningManager) -> None:
    first = manager.bench(lambda d, request: d.report(request.cmd_id, 'Vone'))
    second = Device(manager.side, first.row, lambda d, request: d.report(request.cmd_id, 'Vtwo'))
    for _ in range(20):
        task_id = manager.caller.call(first.device_id, 'say', say('x'))
        assert manager.caller.result(task_id).result_jsons in ('{"text":"one"}', '{"text":"two"}')
        first.command(), second.command()
    second.leave()
    _fence(manager, first)


@pytest.mark.parametrize('damage', [Path.touch, lambda path: write_state(path, 'damaged')])
def test_a_manager_does_not_start_with_a_state_that_cannot_be_used(
    starter: ManagerStarter, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    state = tmp_path / 'unusable'
    damage(state)
    program = starter.manager(state_folder=state)
    assert program.wait() == 2
    (line,) = program.output.splitlines()
    assert line.startswith(f'device_manager: cannot store task ids in {state}')
    assert 'set the parameter state_folder' in line


def write_state(folder: Path, text: str) -> None:
    folder.mkdir()
    (folder / 'task_ids').write_text(text)


def test_calls_are_refused_while_no_task_ids_can_be_stored(
    starter: ManagerStarter, tmp_path: Path
) -> None:
    state = tmp_path / 'state'
    manager = starter.start(
        state_folder=state,
        environment=patched(
            tmp_path,
            'import hos_device_layer.task_ids\nhos_device_layer.task_ids.BLOCK_SIZE = 3\n',
        ),
    )
    device = manager.bench(finish_at_once)
    # The ids 1 and 2: the first block, without 0.
    used = [manager.caller.call(device.device_id, 'rest') for _ in range(2)]
    (state / 'task_ids').rename(tmp_path / 'aside')
    state.rmdir()
    state.touch()
    for _ in range(5):
        assert f'cannot store task ids in {state}' in manager.caller.refusal(
            device.device_id, 'rest'
        )
    state.unlink()
    state.mkdir()
    (tmp_path / 'aside').rename(state / 'task_ids')
    task_id = manager.caller.call(device.device_id, 'rest')
    assert task_id not in used
    assert all(result.success for result in manager.caller.results([*used, task_id]))
    assert 'Traceback' not in manager.program.output
