"""`hos test` and `hos lint`: what they run, and what they say to a wrong name."""

from __future__ import annotations

import subprocess
import sys

import pytest
import yaml
from project import ROOT

from hos_device_layer.command_line import test
from hos_device_layer.command_line.__main__ import main
from hos_device_layer.command_line.lint import LINTERS
from hos_device_layer.command_line.test import (
    ONLY_SLOW_TESTS,
    PARALLEL,
    find_tests,
    packages,
)

ONE_TEST = 'test/core/test_text.py'


def hos(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, '-m', 'hos_device_layer.command_line', *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ('name', 'expected'),
    [
        ('core', 'test/core'),
        ('spec', 'test/core/spec'),
        ('client', 'test/hos_client'),
        ('host', 'test/hos_client/host'),
        ('gateway', 'test/links/gateway'),
        ('task_ids', 'test/test_task_ids.py'),
        ('test/core', 'test/core'),
        ('hos_client/host', 'test/hos_client/host'),
        ('hos_device_layer/core/spec', 'test/core/spec'),
        ('hos_device_layer/core/text.py', 'test/core/test_text.py'),
        ('test/core/test_text.py::test_x', 'test/core/test_text.py::test_x'),
    ],
)
def test_a_name_stands_for_the_tests_of_its_package(name: str, expected: str) -> None:
    assert find_tests(name) == [expected]


@pytest.mark.parametrize('name', ['nonsense', 'support', '/', 'hos_device_layer/nonsense.py'])
def test_a_name_without_tests_stands_for_nothing(name: str) -> None:
    assert find_tests(name) == []


def test_every_package_has_tests() -> None:
    assert {'core', 'client', 'host', 'gateway', 'database', 'command_line'} <= set(packages())
    assert all(find_tests(name) for name in packages())


def test_the_tests_of_a_module_run_without_the_linters() -> None:
    ended = hos('test', ONE_TEST, '-q')
    assert ended.returncode == 0, ended.stdout
    assert 'passed' in ended.stdout
    assert 'mypy' not in ended.stdout


@pytest.fixture
def passed_to_pytest(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The arguments with which pytest would run, of whatever `main` is called with."""
    passed: list[str] = []
    monkeypatch.setattr(test, '_run_pytest', lambda arguments: passed.extend(arguments) or 0)
    monkeypatch.setattr(test, 'failed_linters', lambda: passed.append('the linters') or [])
    return passed


@pytest.mark.parametrize(
    ('given', 'passed'),
    [
        ('', ['the linters', *PARALLEL]),
        ('-x', ['the linters', *PARALLEL, '-x']),
        ('--all', ['the linters', *PARALLEL, *ONLY_SLOW_TESTS]),
        ('--slow', [*ONLY_SLOW_TESTS]),
        ('core', [*PARALLEL, 'test/core']),
        ('core client', [*PARALLEL, 'test/core', 'test/hos_client']),
        ('core -k host -x', [*PARALLEL, 'test/core', '-k', 'host', '-x']),
        ('core --all -x', [*PARALLEL, 'test/core', '-x', *ONLY_SLOW_TESTS, 'test/core', '-x']),
        ('--slow core', [*ONLY_SLOW_TESTS, 'test/core']),
        (ONE_TEST, [ONE_TEST]),
    ],
)
def test_options_of_pytest_are_passed_on(
    passed_to_pytest: list[str], given: str, passed: list[str]
) -> None:
    assert main(['test', *given.split()]) == 0
    assert passed_to_pytest == passed


def test_what_failed_is_named(
    passed_to_pytest: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(test, '_run_pytest', lambda arguments: 1)
    monkeypatch.setattr(test, 'failed_linters', lambda: ['mypy'])
    assert main(['test']) == 1
    assert 'hos test: failed: mypy, pytest' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('codes', 'expected'), [([0, 0], 0), ([0, 5], 0), ([5, 5], 1), ([0, 1], 1), ([1, 0], 1)]
)
def test_all_tests_succeed_if_no_run_fails_and_tests_were_found(
    monkeypatch: pytest.MonkeyPatch, codes: list[int], expected: int
) -> None:
    left = list(codes)
    monkeypatch.setattr(test, '_run_pytest', lambda arguments: left.pop(0))
    assert main(['test', 'core', '--all']) == expected
    assert left == []


def test_an_unknown_package_is_named_with_those_that_exist() -> None:
    ended = hos('test', 'nonsense')
    assert ended.returncode == 2
    assert "no tests found for 'nonsense'" in ended.stderr
    assert 'core' in ended.stderr


def test_one_linter_runs_alone() -> None:
    ended = hos('lint', 'ruff-check')
    assert ended.returncode == 0, ended.stdout
    assert [line.partition(':')[0] for line in ended.stdout.splitlines()] == ['ruff-check']


def test_the_hooks_before_a_commit_run_linters_that_exist() -> None:
    config = yaml.safe_load((ROOT / '.pre-commit-config.yaml').read_text())
    (repository,) = config['repos']
    entries = [hook['entry'] for hook in repository['hooks']]
    assert {entry.removeprefix('./hos lint ') for entry in entries} == set(LINTERS) - {
        'generated-helpers'
    }


def test_an_unknown_linter_is_named_with_those_that_exist() -> None:
    ended = hos('lint', 'pylint')
    assert ended.returncode == 2
    assert "unknown linter 'pylint'" in ended.stderr
    assert 'mypy' in ended.stderr
