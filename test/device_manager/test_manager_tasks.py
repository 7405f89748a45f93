"""What the manager promises of calls and their results (DESIGN section 5), over DDS."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from manager_process import patched
from managers import House, Houses
from ros_peers import Device, finish_at_once, mute_device
from sample_fleet import MEASURE_ARGUMENTS


def say(text: str) -> list[tuple[str, str, object]]:
    return [('text', 'string', text)]


def test_a_typed_command_carries_typed_fields(house: House) -> None:
    device = house.bench()
    task_id = house.caller.call(device.device_id, 'measure', MEASURE_ARGUMENTS)
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
def test_templates_arrive_to_the_letter(
    house: House, function: str, arguments: list[tuple[str, str, object]], serialized: str
) -> None:
    device = house.arm()
    house.caller.call(device.device_id, function, arguments)
    command = device.command()
    assert command.serialized_command == serialized
    assert command.function_name == function


@pytest.mark.parametrize('result_str', ['V12.5V1', '{"mass": 12.5, "ok": true}'])
def test_a_result_is_typed_json_whatever_its_form(house: House, result_str: str) -> None:
    device = house.bench()
    task_id = house.caller.call(device.device_id, 'measure', MEASURE_ARGUMENTS)
    device.report(device.command().cmd_id, result_str)
    result = house.caller.result(task_id)
    assert (result.success, result.error) == (True, '')
    values = json.loads(result.result_jsons)
    assert values == {'mass': 12.5, 'ok': True}
    assert values['ok'] is True
    assert 0 < result.request_time_s <= result.response_time_s
    assert house.caller.notice_infos(device.uid)[0].event_time_s <= result.request_time_s


def test_a_result_that_comes_before_the_acceptance_counts(house: House) -> None:
    device = house.bench(lambda d, request: d.report(request.cmd_id, 'Vfirst'))
    task_ids = [house.caller.call(device.device_id, 'say', say('x')) for _ in range(20)]
    for result in house.caller.results(task_ids):
        assert result.result_jsons == '{"text":"first"}'
    _fence(house, device)


def _fence(house: House, device: Device) -> None:
    # One publisher's results keep their order: a second one of an earlier task came before this.
    device.behaviour = finish_at_once
    assert house.caller.result(house.caller.call(device.device_id, 'rest')).success


def test_a_device_that_answers_twice_is_heard_once(house: House) -> None:
    device = house.bench()
    task_id = house.caller.call(device.device_id, 'say', say('x'))
    device.command()
    device.report(task_id, 'Vfirst')
    device.report(task_id, 'Vsecond')
    device.report(task_id, success=False, error='third')
    house.program.wait_for_output(f'for task {task_id}, which had ended', times=2)
    _fence(house, device)
    assert house.caller.result(task_id).result_jsons == '{"text":"first"}'


def test_a_refusal_carries_the_devices_reason(house: House) -> None:
    device = house.bench()
    device.refusal = 'the door is open'
    result = house.caller.result(house.caller.call(device.device_id, 'rest'))
    assert not result.success
    assert result.error == f"'{device.device_id}' refused 'rest': the door is open"
    assert result.result_jsons == '{}'


def test_a_result_after_a_refusal_is_dropped(house: House) -> None:
    device = house.bench()
    device.refusal = 'no'
    task_id = house.caller.call(device.device_id, 'rest')
    assert not house.caller.result(task_id).success
    device.report(task_id)
    house.program.wait_for_output(f'for task {task_id}, which had ended')
    device.refusal = None
    _fence(house, device)
    assert not house.caller.result(task_id).success


def test_a_failed_result_keeps_the_devices_own_text(house: House) -> None:
    device = house.bench()
    text = 'E42: "jammed"\nat 3.5 mm – call Zoë'
    task_id = house.caller.call(device.device_id, 'measure', MEASURE_ARGUMENTS)
    device.report(device.command().cmd_id, success=False, error=text)
    result = house.caller.result(task_id)
    assert (result.success, result.error, result.result_jsons) == (False, text, '{}')


def test_a_device_that_never_answers_ends_in_one_failed_task(strict_house: House) -> None:
    row = next(strict_house.pool.benches)
    node = mute_device(strict_house.side, row)
    strict_house.side.connect(row.uid)
    task_id = strict_house.caller.call(row.device_id, 'rest')
    result = strict_house.caller.result(task_id)
    assert result.error == f"'{row.device_id}' did not accept 'rest' in 0.4 s"
    node.destroy_node()


def test_a_device_without_its_service_ends_in_one_failed_task(strict_house: House) -> None:
    row = next(strict_house.pool.benches)
    strict_house.side.connect(row.uid)
    task_id = strict_house.caller.call(row.device_id, 'rest')
    result = strict_house.caller.result(task_id)
    assert 'did not accept' in result.error


def test_a_device_that_accepts_and_stays_silent_ends_in_one_failed_task(
    strict_house: House,
) -> None:
    device = strict_house.bench()
    device.keep_pinging(0.05)
    of_the_manager = strict_house.caller.call(device.device_id, 'rest')
    of_the_function = strict_house.caller.call(device.device_id, 'brief')
    result = strict_house.caller.result(of_the_manager)
    assert result.error == f"'{device.device_id}' did not finish 'rest' in 0.5 s"
    result = strict_house.caller.result(of_the_function)
    assert result.error == f"'{device.device_id}' did not finish 'brief' in 0.3 s"
    device.fall_silent()


def test_what_comes_late_is_logged_and_dropped(strict_house: House) -> None:
    device = strict_house.bench()
    device.keep_pinging(0.05)
    task_id = strict_house.caller.call(device.device_id, 'brief')
    command = device.command()
    assert not strict_house.caller.result(task_id).success
    device.report(command.cmd_id)
    line = strict_house.program.wait_for_output(f'task {task_id}, which had ended')
    assert 'did not finish' in line
    _fence(strict_house, device)
    assert not strict_house.caller.result(task_id).success
    device.fall_silent()


def test_bad_devices_block_no_other(house: House) -> None:
    row = next(house.pool.benches)
    mute = mute_device(house.side, row)
    house.side.connect(row.uid)
    absent = next(house.pool.arms)
    house.side.connect(absent.uid)
    silent, healthy = house.bench(), house.bench(finish_at_once)
    running = [
        house.caller.call(device_id, function)
        for device_id, function in ((row.device_id, 'rest'), (silent.device_id, 'rest'))
    ]
    running.append(house.caller.call(absent.device_id, 'arm_turn', [('angle', 'int16', 1)]))
    task_ids = [house.caller.call(healthy.device_id, 'rest') for _ in range(50)]
    assert all(result.success for result in house.caller.results(task_ids))
    assert not any(house.caller.has_result(task_id) for task_id in running)
    mute.destroy_node()


def test_a_device_whose_service_comes_late_gets_its_command(house: House) -> None:
    row = next(house.pool.benches)
    house.side.connect(row.uid)
    task_id = house.caller.call(row.device_id, 'rest')
    Device(house.side, row, finish_at_once)
    assert house.caller.result(task_id).success


def test_a_device_that_restarts_gets_its_next_command_once(house: House) -> None:
    device = house.bench(finish_at_once)
    assert house.caller.result(house.caller.call(device.device_id, 'rest')).success
    device.leave()
    # Seen from the manager: until then a command may still go to the one that left.
    house.caller.wait_for(lambda: not device.is_seen(house.caller.node))
    again = house.device(device.row, finish_at_once)
    assert house.caller.result(house.caller.call(device.device_id, 'rest')).success
    again.command()
    assert again.commands.empty()


def test_a_result_from_the_wrong_uid_is_dropped(house: House) -> None:
    device, other = house.bench(), house.bench()
    task_id = house.caller.call(device.device_id, 'say', say('x'))
    device.command()
    other.report(task_id, 'Vforged')
    house.program.wait_for_output(
        f'uid {other.uid} reported a result for task {task_id}, '
        f"which is a task of '{device.device_id}'"
    )
    device.report(task_id, 'Vtrue')
    assert house.caller.result(task_id).result_jsons == '{"text":"true"}'


def test_a_result_for_an_unknown_command_is_dropped(house: House) -> None:
    device = house.bench()
    device.report(4_000_000_000, 'V1')
    house.program.wait_for_output('task 4000000000, which is unknown')
    _fence(house, device)


@pytest.mark.parametrize(
    ('result_str', 'why'),
    [
        ('V12.5', '1 values instead of 2'),
        ('', '0 values instead of 2'),
        ('V12.5V1V7', '3 values instead of 2'),
        ('V1Y9V1', 'mass'),
        ('VnanV1', 'mass'),
        ('VinfV1', 'mass'),
        ('V12.5V7', 'ok'),
        ('12.5', 'neither a JSON object nor values led by V'),
        ('{"mass": 12.5}', 'missing: ok'),
        ('{"mass": 12.5, "ok": true, "more": 1}', "unknown: 'more'"),
        ('{"mass": NaN, "ok": true}', 'the JSON is broken'),
        ('{"mass": 1e999, "ok": true}', 'mass'),
        ('{' * 100_000, 'the JSON is broken'),
        ('{"mass": "heavy", "ok": true}', 'mass'),
    ],
)
def test_a_result_that_does_not_fit_fails_and_says_what_was_expected(
    house: House, result_str: str, why: str
) -> None:
    device = _measuring_device(house)
    task_id = house.caller.call(device.device_id, 'measure', MEASURE_ARGUMENTS)
    device.report(device.command().cmd_id, result_str)
    result = house.caller.result(task_id)
    assert not result.success
    assert "the result does not fit 'measure'" in result.error
    assert why in result.error
    assert 'expected mass:float64, ok:bool; came' in result.error
    assert len(result.error) < 500
    assert result.result_jsons == '{}'


_measuring: list[Device] = []


def _measuring_device(house: House) -> Device:
    if not _measuring:
        _measuring.append(house.bench())
    return _measuring[0]


def test_json_never_holds_nan_or_infinity(house: House) -> None:
    device = house.bench()
    task_id = house.caller.call(device.device_id, 'measure', MEASURE_ARGUMENTS)
    device.report(device.command().cmd_id, 'V1e308V1')

    def refuse(name: str) -> float:
        raise AssertionError(name)

    values = json.loads(house.caller.result(task_id).result_jsons, parse_constant=refuse)
    assert math.isfinite(values['mass'])


def test_hundreds_of_calls_to_one_device_are_each_answered_once(house: House) -> None:
    device = house.bench(lambda d, request: d.report(request.cmd_id, f'V{request.args[0].data}'))
    texts = [str(number) for number in range(600)]
    assert _answers(house, [(device.device_id, text) for text in texts]) == texts
    _fence(house, device)


def test_hundreds_of_calls_to_many_devices_are_each_answered_once(house: House) -> None:
    devices = [house.bench(lambda d, r: d.report(r.cmd_id, f'V{d.uid}')) for _ in range(10)]
    calls = [(devices[number % 10].device_id, 'x') for number in range(600)]
    expected = [str(devices[number % 10].uid) for number in range(600)]
    assert _answers(house, calls) == expected
    for device in devices:
        _fence(house, device)


def test_results_in_any_order_reach_their_own_calls(house: House) -> None:
    device = house.bench()
    futures = [house.caller.call_async(device.device_id, 'say', say(str(i))) for i in range(300)]
    commands = [device.command() for _ in futures]
    for command in reversed(commands):
        device.report(command.cmd_id, f'V{command.args[0].data}')
    task_ids = [house.caller.accepted(future) for future in futures]
    results = house.caller.results(task_ids)
    assert [json.loads(r.result_jsons)['text'] for r in results] == [str(i) for i in range(300)]


def _answers(house: House, calls: list[tuple[str, str]]) -> list[str]:
    """Make calls of `say` all at once and return what each was answered."""
    futures = [house.caller.call_async(device_id, 'say', say(text)) for device_id, text in calls]
    task_ids = [house.caller.accepted(future) for future in futures]
    assert len(set(task_ids)) == len(calls)
    return [json.loads(r.result_jsons)['text'] for r in house.caller.results(task_ids)]


def test_task_ids_are_not_used_again_after_a_restart(houses: Houses, tmp_path: Path) -> None:
    task_ids: list[int] = []
    for _ in range(2):
        house = houses.house(state_folder=tmp_path)
        device = house.bench(finish_at_once)
        task_ids += [house.caller.call(device.device_id, 'rest') for _ in range(5)]
        house.caller.results(task_ids[-5:])
        house.program.stop()
    assert len(set(task_ids)) == 10
    assert all(0 < task_id < 2**32 for task_id in task_ids)


def test_two_machines_with_one_uid_give_one_result(house: House) -> None:
    first = house.bench(lambda d, request: d.report(request.cmd_id, 'Vone'))
    second = Device(house.side, first.row, lambda d, request: d.report(request.cmd_id, 'Vtwo'))
    for _ in range(20):
        task_id = house.caller.call(first.device_id, 'say', say('x'))
        assert house.caller.result(task_id).result_jsons in ('{"text":"one"}', '{"text":"two"}')
        first.command(), second.command()
    second.leave()
    _fence(house, first)


def test_a_state_folder_that_cannot_be_used_is_named_and_calls_run(
    houses: Houses, tmp_path
) -> None:
    blocked = tmp_path / 'file'
    blocked.touch()
    house = houses.house(state_folder=blocked)
    line = house.program.wait_for_output('cannot keep task ids')
    assert str(blocked) in line
    assert 'set the parameter state_folder' in line
    device = house.bench(finish_at_once)
    assert house.caller.result(house.caller.call(device.device_id, 'rest')).success


def test_a_state_folder_that_vanishes_stops_no_call(houses: Houses, tmp_path: Path) -> None:
    state = tmp_path / 'state'
    house = houses.house(
        state_folder=state,
        environment=patched(
            tmp_path,
            'import hos_device_layer.task_ids\nhos_device_layer.task_ids.BLOCK_SIZE = 3\n',
        ),
    )
    device = house.bench(finish_at_once)
    first = house.caller.call(device.device_id, 'rest')
    (state / 'task_ids').unlink()
    state.rmdir()
    state.touch()
    task_ids = [house.caller.call(device.device_id, 'rest') for _ in range(10)]
    assert all(result.success for result in house.caller.results(task_ids))
    assert len({first, *task_ids}) == 11
    house.program.wait_for_output('cannot keep task ids')
