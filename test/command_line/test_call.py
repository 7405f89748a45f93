"""`hos call` beside a running fleet."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from hos_command import HosCommand, RunningCommand

from hos_device_layer.command_line.__main__ import main

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
    'H9999 delta_arm_move x=1 y=2 z=3': ['H9999'],
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
        (('H4001', 'delta_arm_fly'), "unknown function 'delta_arm_fly'; functions of the spec"),
        ((*MOVE[1:], 'x=1', 'y=2'), 'expected x=… y=… z=…; found x=… y=…'),
        (MOVE[1:], 'expected x=… y=… z=…; found no arguments'),
        ((*MOVE[1:], 'x=1', 'y=2', '3'), "expected x=… y=… z=…, each once; found '3'"),
        ((*MOVE[1:], 'x=1', 'x=2', 'z=3'), "each once; found 'x=2'"),
        (('W5001', 'balance_tare', 'now=1'), 'expected no arguments; found now=…'),
    ],
)
def test_wrong_arguments_end_with_code_2_before_anything_is_sent(
    arguments: tuple[str, ...], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(['call', *arguments]) == 2
    assert reason in capsys.readouterr().err


def test_a_missing_specification_ends_with_code_2(hos: HosCommand, tmp_path: Path) -> None:
    code, out, err = hos.run(*MOVE, 'x=1', '--device-db', tmp_path / 'nowhere')
    assert (code, out) == (2, '')
    assert str(tmp_path / 'nowhere') in err
