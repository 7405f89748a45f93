"""The commands when their output cannot be written: they end as they would have, quietly."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hos_command import COMMAND, TIMEOUT_S, Finished, HosCommand, RunningCommand, without_dds
from project import SAMPLE_DB

COMMANDS = ('', 'check --help', 'check', 'check --json', 'db history', 'generate --check')
FULL = 'the output could not be written: No space left on device\n'
TARE = 'call W5001 balance_tare'


def redirected(hos: HosCommand, words: str, redirection: str) -> Finished:
    """Run a command as a shell does with such a redirection."""
    done = subprocess.run(
        ['sh', '-c', f'exec "$@" {redirection}', 'sh', *COMMAND, *words.split()],
        env={**hos.environment, 'PYTHONUNBUFFERED': ''},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    return Finished(done.returncode, done.stdout, without_dds(done.stderr))


@pytest.mark.parametrize('words', COMMANDS)
def test_a_closed_output_is_none(hos: HosCommand, words: str) -> None:
    assert redirected(hos, words, '>&-') == (0, '', '')


@pytest.mark.parametrize('words', COMMANDS)
def test_a_full_output_ends_with_a_code_of_its_own(hos: HosCommand, words: str) -> None:
    code, _, err = redirected(hos, words, '>/dev/full')
    assert code == os.EX_IOERR
    assert err == ' '.join(['hos', *words.split()[:1]]) + f': {FULL}'


@pytest.mark.parametrize('redirection', ['2>&-', '2>/dev/full', '>/dev/full 2>&1', '<&- >&- 2>&-'])
def test_an_error_keeps_its_code_if_it_cannot_be_printed(
    hos: HosCommand, redirection: str
) -> None:
    assert redirected(hos, 'check /nonexistent', redirection) == (1, '', '')


def test_a_reader_that_has_gone_changes_no_code(hos: HosCommand, tmp_path: Path) -> None:
    folder = shutil.copytree(SAMPLE_DB, tmp_path / 'device_db')
    (folder / 'streams.yaml').unlink()
    command = hos.start('check', '--json', folder)
    assert command.stdout is not None and command.stderr is not None
    command.stdout.close()
    assert (command.wait(TIMEOUT_S), command.stderr.read()) == (1, '')
    command.stderr.close()


@pytest.mark.parametrize('encoding', ['ascii', 'ascii:strict', 'latin-1'])
def test_what_an_encoding_lacks_is_escaped(hos: HosCommand, tmp_path: Path, encoding: str) -> None:
    folder = shutil.copytree(SAMPLE_DB, tmp_path / 'device_db')
    fleet = folder / 'fleet-demo.yaml'
    fleet.write_text(fleet.read_text() + '\n- device_id: Ωmega\n  device_type: Θ\n')
    limited = hos.with_environment(PYTHONIOENCODING=encoding)
    for options in ([], ['--json']):
        code, out, err = limited.run('check', folder, *options)
        assert (code, err) == (1, '')
        assert r'\u03a9mega' in out


def test_a_call_is_carried_out_and_its_result_printed_whatever_the_encoding(
    hos: HosCommand, fleet: RunningCommand
) -> None:
    limited = hos.with_environment(PYTHONIOENCODING='ascii')
    code, out, err = limited.run('call', 'W5001', 'balance_warm')
    assert code == 0, err
    assert r'[\xb0C]' in out


@pytest.mark.parametrize(
    ('redirection', 'expected'),
    [('>&-', (0, '', '')), ('>/dev/full', (74, '', f'hos call: {FULL}'))],
)
def test_a_call_is_carried_out_whether_its_output_can_be_written_or_not(
    hos: HosCommand, fleet: RunningCommand, redirection: str, expected: Finished
) -> None:
    with hos.running('watch', '--no-streams') as watch:
        watch.wait_for('^fleet ')
        assert redirected(hos, TARE, redirection) == expected
        watch.wait_for(r'task \d+ done')


def test_a_refused_call_keeps_its_code(hos: HosCommand, fleet: RunningCommand) -> None:
    code, _, err = redirected(hos, 'call W5001 fly', '>/dev/full')
    assert code == 1
    assert "has no function 'fly'" in err


@pytest.mark.parametrize('options', ['', ' --json'])
def test_the_devices_may_have_no_reader(
    hos: HosCommand, fleet: RunningCommand, options: str
) -> None:
    assert redirected(hos, f'devices{options}', '>&-') == (0, '', '')
    code, _, err = redirected(hos, f'devices{options}', '>/dev/full')
    assert (code, err) == (74, f'hos devices: {FULL}')


def test_a_watch_ends_when_its_output_is_full(hos: HosCommand, fleet: RunningCommand) -> None:
    assert redirected(hos, 'watch', '>/dev/full') == (74, '', f'hos watch: {FULL}')


def test_a_fleet_goes_on_without_output(elsewhere: HosCommand) -> None:
    command = ['sh', '-c', 'exec "$@" >&-', 'sh', *COMMAND, 'up', '--no-host']
    up = RunningCommand([*command, '--gateway-port', '0'], elsewhere.environment)
    try:
        up.wait_for('simulating')
        assert json.loads(elsewhere.run('devices', '--json').out)
        assert up.stop() == 0
    finally:
        up.close()
