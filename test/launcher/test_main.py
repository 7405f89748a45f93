"""What `./hos` does when it starts: the first time, the second time, and with other commands."""

from __future__ import annotations

import json
import os
import signal

import pytest
from fake_project import INTERFACES, VENV, FakeProject, environ_of


def test_the_first_start_sets_up_and_runs_the_command(project: FakeProject) -> None:
    result = project.run('call', 'H4001', 'x=1')
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)['arguments'] == ['call', 'H4001', 'x=1']
    assert project.calls() == VENV + INTERFACES
    for title in ('package installer', 'Python packages and ROS 2', 'hos_interfaces'):
        assert title in result.stderr


def test_the_second_start_does_nothing_but_run_the_command(ready: FakeProject) -> None:
    result = ready.run('devices')
    assert result.returncode == 0
    assert result.stderr == ''
    assert ready.calls() == []


def test_development_tools_are_installed_when_they_are_needed(ready: FakeProject) -> None:
    result = ready.run('test')
    assert ready.calls() == ['uv pip']
    assert '/tools/bin' in environ_of(result)['PATH']
    assert '/tools' not in environ_of(ready.run('up'))['PYTHONPATH']
    ready.run('test')
    assert ready.calls() == []


def test_nothing_is_imported_from_where_the_user_is(
    ready: FakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = ready.machine / 'elsewhere'
    elsewhere.mkdir()
    (elsewhere / 'json.py').write_text('raise SystemExit("imported from the working directory")')
    monkeypatch.chdir(elsewhere)
    result = ready.run('devices')
    assert result.returncode == 0, result.stderr


def test_ctrl_c_ends_it_without_a_traceback(project: FakeProject) -> None:
    fifo = project.machine / 'fifo'
    os.mkfifo(fifo)
    start = project.start(FAKE_UV='waits', FAKE_FIFO=str(fifo))
    with fifo.open('w'):  # Opens when the fake uv reads, so the step is under way.
        os.killpg(start.pid, signal.SIGINT)
        _, err = start.communicate()
    assert start.returncode == 130
    assert 'stopped' in err
    assert 'Traceback' not in err
    assert project.run().returncode == 0
