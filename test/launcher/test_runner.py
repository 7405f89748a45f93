"""Programs of the set-up that fail, and set-ups that meet."""

from __future__ import annotations

import os

from fake_project import INTERFACES, VENV, FakeProject


def test_offline_the_reason_is_told(project: FakeProject) -> None:
    result = project.run(FAKE_PIP='is offline')
    assert result.returncode == 1
    assert 'No matching distribution found for uv' in result.stderr
    assert 'is this machine online?' in result.stderr
    assert 'Traceback' not in result.stderr


def test_concurrent_starts_set_up_once(project: FakeProject) -> None:
    starts = [project.start() for _ in range(4)]
    ends = [(*start.communicate(), start.returncode) for start in starts]
    assert [code for *_, code in ends] == [0] * 4, ends
    assert project.calls() == VENV + INTERFACES


def test_after_a_kill_the_next_start_waits_for_what_still_runs(project: FakeProject) -> None:
    fifo = project.machine / 'fifo'
    os.mkfifo(fifo)
    killed = project.start(FAKE_UV='waits', FAKE_FIFO=str(fifo))
    with fifo.open('w'):
        killed.kill()
        killed.communicate()
        project.calls()
        successor = project.start()
        assert successor.stderr is not None
        assert 'waiting for another ./hos' in successor.stderr.readline()
        assert project.calls() == []
    _, err = successor.communicate()
    assert successor.returncode == 0, err
    assert project.calls() == VENV + INTERFACES


def test_a_folder_that_cannot_be_written_is_named(project: FakeProject) -> None:
    (project.path / '.hos').touch()
    result = project.run()
    assert result.returncode == 1
    assert str(project.path / '.hos') in result.stderr
    assert 'Traceback' not in result.stderr
