"""`hos call` beside a running fleet."""

from __future__ import annotations

import contextlib
import json
import re

import pytest
from hos_command import HosCommand, RunningCommand

from hos_device_layer.source_tree import HOS

MOVE = ('call', 'H4001', 'delta_arm_move')


def test_the_result_is_printed_with_its_units(hos: HosCommand, fleet: RunningCommand) -> None:
    code, out, err = hos.run(*MOVE, 'z=3', 'x=1', 'y=-2.5')
    assert (code, err) == (0, '')
    first, *rest = out.splitlines()
    assert first.startswith('done in ')
    assert rest == ['  x = 1.0 [mm]', '  y = -2.5 [mm]', '  z = 3.0 [mm]']


def test_a_function_without_results_prints_that_it_is_done(
    hos: HosCommand, fleet: RunningCommand
) -> None:
    code, out, err = hos.run('call', 'W5001', 'balance_tare')
    assert (code, err) == (0, '')
    assert out.startswith('done in ')
    assert out.count('\n') == 1


def test_json_is_the_result_alone(hos: HosCommand, fleet: RunningCommand) -> None:
    code, out, err = hos.run(*MOVE, 'x=1', 'y=-2.5', 'z=3', '--json')
    assert (code, err) == (0, '')
    assert json.loads(out) == {'x': 1.0, 'y': -2.5, 'z': 3.0}


# What the device manager refuses, and what the reason names.
REFUSED = {
    'H9999 delta_arm_move x=1 y=2 z=3': ["no device 'H9999' in the fleet 'demo'"],
    'h401 delta_arm_move x=1 y=2 z=3': ['did you mean H4001'],
    'H4001 delta_arm_mov x=1 y=2 z=3': [
        'did you mean delta_arm_move',
        '? it has: delta_arm_home, ',
    ],
    'H4001 fly': ["'DeltaHaive' ('H4001') has no function 'fly'; it has: delta_arm_home, "],
    'W5001 balance_spin turns=1': ["'balance_spin' cannot be used", 'int31'],
    'N0001 delta_arm_move x=1 y=2 z=3': ['N0001', 'uid'],
    'W5001 delta_arm_move x=1 y=2 z=3': ['delta_arm_move'],
    'H4001 delta_arm_move x=61 y=2 z=3': ['x', '-60..60', '61'],
    'H4001 delta_arm_move x=far y=2 z=3': ['x', 'float32', "'far'"],
}


def test_a_refused_call_ends_with_code_1_and_the_reason(
    hos: HosCommand, fleet: RunningCommand
) -> None:
    with contextlib.ExitStack() as stack:
        calls = {
            words: stack.enter_context(hos.running('call', *words.split())) for words in REFUSED
        }
        for words, call in calls.items():
            assert call.wait() == 1, call.output
            assert call.output.count('\n') == 1
            missing = [fact for fact in REFUSED[words] if fact not in call.output]
            assert missing == [], call.output


@pytest.mark.parametrize(
    ('arguments', 'reason'),
    [
        ((*MOVE[1:], 'x=1', 'y=2'), 'expected x=… y=… z=…; found x=… y=…'),
        (MOVE[1:], 'expected x=… y=… z=…; found no arguments'),
        ((*MOVE[1:], 'x=1', 'y=2', '3'), "expected x=… y=… z=…, each once; found '3'"),
        ((*MOVE[1:], 'x=1', 'x=2', 'z=3'), "each once; found 'x=2'"),
        (('W5001', 'balance_tare', 'now=1'), 'expected no arguments; found now=…'),
    ],
)
def test_wrong_arguments_end_with_code_2_before_anything_is_sent(
    hos: HosCommand, fleet: RunningCommand, arguments: tuple[str, ...], reason: str
) -> None:
    code, out, err = hos.run('call', *arguments)
    assert (code, out) == (2, '')
    assert reason in err


def test_wrong_arguments_show_the_usage_with_types_ranges_and_units(
    hos: HosCommand, fleet: RunningCommand
) -> None:
    assert hos.run(*MOVE, 'x=1').err.splitlines()[1:] == [
        f'usage: {HOS} call H4001 delta_arm_move x=… y=… z=…',
        '  x: float32 -60..60 [mm]',
        '  y: float32 -60..60 [mm]',
        '  z: float32 -40..40 [mm]',
    ]


def test_options_may_stand_between_the_arguments(hos: HosCommand, fleet: RunningCommand) -> None:
    code, out, err = hos.run('call', 'H4001', 'delta_arm_move', 'x=1', '--json', 'y=2', 'z=3')
    assert (code, err) == (0, '')
    assert json.loads(out) == {'x': 1.0, 'y': 2.0, 'z': 3.0}


def test_the_functions_are_those_of_the_manager_not_of_the_installation(
    hos: HosCommand, fleet: RunningCommand
) -> None:
    code, out, err = hos.run('call', 'W5001', 'balance_wait')
    assert (code, err) == (0, '')
    assert re.fullmatch(r'done in .* s\n  waited = \S+ \[s\]\n  name = .*\n', out)


def test_a_manager_of_another_namespace_is_not_called(
    hos: HosCommand, fleet: RunningCommand
) -> None:
    code, out, err = hos.run('call', 'W5001', 'balance_tare', '--namespace', '/lab')
    assert (code, out) == (1, '')
    assert '/lab/haive_os/describe_devices' in err
