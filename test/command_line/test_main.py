"""`hos` itself: its help, and wrong usage."""

from __future__ import annotations

import pytest
from hos_command import TIMEOUT_S, HosCommand

from hos_device_layer.command_line.__main__ import COMMANDS, main


def test_without_a_command_it_prints_its_help(hos: HosCommand) -> None:
    code, out, err = hos.run()
    assert (code, err) == (0, '')
    assert out.startswith('usage: hos')
    _, _, commands = out.partition('  COMMAND\n')
    listed = [line.split()[0] for line in commands.splitlines() if line.startswith('    ')]
    assert listed == list(COMMANDS)


@pytest.mark.parametrize(
    ('arguments', 'reason'),
    [
        (['fly'], "invalid choice: 'fly'"),
        (['check', '--fly'], 'unrecognized arguments: --fly'),
        (['call'], 'the following arguments are required: device_id, function_name'),
        (['db'], 'the following arguments are required: COMMAND'),
        (['token'], 'the following arguments are required: ACTION'),
        (['up', '--simulate', '--no-simulate'], 'not allowed with argument --simulate'),
    ],
)
def test_wrong_usage_ends_with_code_2(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize('name', sorted(set(COMMANDS) - {'bench'}))  # It starts a process.
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, '--help'])
    assert ended.value.code == 0
    usage, _, rest = capsys.readouterr().out.partition('\n\n')
    assert usage.startswith(f'usage: hos {name}')
    assert rest


@pytest.mark.parametrize(
    'arguments', [(), ('check', '--help'), ('check',), ('check', '--json'), ('token', 'list')]
)
def test_a_reader_that_is_gone_ends_a_command_quietly(
    hos: HosCommand, arguments: tuple[str, ...]
) -> None:
    command = hos.start(*arguments)
    assert command.stdout is not None and command.stderr is not None
    command.stdout.close()
    code, err = command.wait(TIMEOUT_S), command.stderr.read()
    command.stderr.close()
    assert (code, err) == (0, '')
