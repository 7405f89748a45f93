"""The benchmark with measurements that fail: what it prints, saves and returns."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from project import ROOT

from benchmark import processes
from benchmark.__main__ import main
from benchmark.measurement import Measurement, Outcome, run_parts

GOOD = Measurement('good', 2.0, 'calls/s', at_least=1.0)
BAD = Measurement('bad', 3.0, '', at_most=0)


def measures(*outcomes: Outcome | BaseException) -> Callable[[bool], Iterator[Outcome]]:
    """Return a suite that yields these outcomes and raises these exceptions."""

    def measure(_quick: bool) -> Iterator[Outcome]:
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
            yield outcome

    return measure


class Benchmark:
    """Runs fake suites; keeps the exit code and reads what was saved."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / 'new' / 'values.json'
        self.log = folder / 'new' / 'values.log'
        self.code = 0

    def run(self, *chosen: str, **suites: Any) -> None:
        self.code = main([*chosen, '--json', str(self.file)], suites)

    def saved(self) -> list[dict[str, Any]]:
        saved: list[dict[str, Any]] = json.loads(self.file.read_text())
        return saved

    def names(self) -> list[str]:
        return [value['name'] for value in self.saved()]


@pytest.fixture
def bench(tmp_path: Path) -> Benchmark:
    return Benchmark(tmp_path)


def test_values_within_their_limits_are_printed_and_saved(
    bench: Benchmark, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.run(one=measures(GOOD))
    assert bench.code == 0
    assert bench.saved() == [{'name': 'good', 'value': 2.0, 'unit': 'calls/s', 'at_least': 1.0}]
    out = capsys.readouterr().out
    assert 'good: 2 calls/s' in out
    assert f'values: {bench.file}, log of the measured programs: {bench.log}' in out


def test_a_value_that_misses_its_limit_makes_the_exit_code_1(bench: Benchmark) -> None:
    bench.run(one=measures(BAD, GOOD))
    assert (bench.code, bench.names()) == (1, ['bad', 'good'])


def test_a_failed_suite_keeps_its_values_and_does_not_end_the_others(
    bench: Benchmark, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.run(one=measures(GOOD, RuntimeError('no answer')), two=measures(GOOD))
    assert (bench.code, bench.names()) == (1, ['good', 'one', 'good'])
    assert bench.saved()[1] == {'name': 'one', 'error': 'RuntimeError: no answer'}
    assert 'one: failed: RuntimeError: no answer' in capsys.readouterr().out
    log = bench.log.read_text()
    assert 'Traceback' in log and 'no answer' in log


def test_a_failed_part_does_not_end_its_suite() -> None:
    parts = {
        'first': partial(measures(BAD, OSError('gone')), False),
        'second': partial(measures(GOOD), False),
    }
    assert [str(outcome) for outcome in run_parts(parts)] == [
        'bad: 3 ',
        'first: failed: OSError: gone',
        'good: 2 calls/s',
    ]


def test_each_value_is_saved_before_the_next_is_measured(bench: Benchmark) -> None:
    saved: list[list[str]] = []

    def measure(_quick: bool) -> Iterator[Outcome]:
        for _ in range(3):
            saved.append(bench.names())
            yield GOOD

    bench.run(one=measure)
    assert saved == [[], ['good'], ['good', 'good']]


def test_ctrl_c_keeps_what_was_measured(
    bench: Benchmark, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.run(one=measures(GOOD, KeyboardInterrupt()), two=measures(BAD))
    assert (bench.code, bench.names()) == (130, ['good'])
    assert 'within limit' in capsys.readouterr().out


def test_only_the_chosen_suites_run(bench: Benchmark) -> None:
    bench.run('two', one=measures(BAD), two=measures(GOOD))
    assert (bench.code, bench.names()) == (0, ['good'])


def test_markup_in_an_error_is_text(bench: Benchmark, capsys: pytest.CaptureFixture[str]) -> None:
    bench.run(one=measures(RuntimeError('[/red] [bold]')))
    assert '[/red] [bold]' in capsys.readouterr().out


def test_what_a_measured_program_prints_is_in_the_log(bench: Benchmark) -> None:
    def measure(_quick: bool) -> Iterator[Outcome]:
        with processes.running('hos_client', '--no-such-option') as process:
            process.wait()
        yield GOOD

    bench.run(one=measure)
    assert bench.code == 0
    assert '--no-such-option' in bench.log.read_text()


def test_a_measured_program_that_does_not_stop_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / 'stubborn.py').write_text(
        'import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n'
        f'open({str(tmp_path / "ready")!r}, "w").close()\nsignal.pause()\n'
    )
    monkeypatch.setenv('PYTHONPATH', os.pathsep.join([str(tmp_path), *sys.path]))
    monkeypatch.setattr(processes, '_STOP_TIMEOUT_S', 0.1)
    with pytest.raises(subprocess.TimeoutExpired), processes.running('stubborn') as process:
        while not (tmp_path / 'ready').exists():
            assert process.poll() is None
    assert process.returncode == -signal.SIGKILL


def test_the_real_suites_are_listed() -> None:
    command = [sys.executable, '-m', 'benchmark', '--help']
    out = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in ('calls', 'gateway', 'host', 'spec_reading', 'spec_reload', 'stopping'):
        assert name in out
