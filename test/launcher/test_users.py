"""A checkout that belongs to another user."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_project import FakeProject

NOBODY = 65_534

needs_root = pytest.mark.skipif(os.getuid() != 0, reason='only root can run a program as another')


def python_for_everyone() -> str:
    """Return an interpreter that every user can run."""
    for python in (sys.executable, shutil.which('python3', path=os.defpath)):
        with contextlib.suppress(PermissionError, TypeError):
            if subprocess.run([python, '-c', ''], user=NOBODY, check=False).returncode == 0:
                return str(python)
    pytest.skip('other users cannot run Python here')


@pytest.fixture
def shared() -> Iterator[FakeProject]:
    """A project in a folder that every user can read."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield FakeProject(Path(folder))


def run_as_nobody(project: FakeProject, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python_for_everyone(), project.path / 'hos', *arguments],
        env=project.environ(),
        user=NOBODY,
        extra_groups=[],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def assert_told(result: subprocess.CompletedProcess[str], project: FakeProject) -> None:
    owner = pwd.getpwuid(os.getuid()).pw_name
    assert result.returncode == 1
    assert str(project.path / '.hos') in result.stderr
    assert f'belongs to {owner}' in result.stderr
    assert 'clone' in result.stderr
    assert 'Errno' not in result.stderr and 'Traceback' not in result.stderr


@needs_root
def test_a_checkout_that_is_not_set_up_says_whose_it_is(shared: FakeProject) -> None:
    assert_told(run_as_nobody(shared, 'devices'), shared)


@needs_root
def test_a_set_up_that_must_be_renewed_says_whose_it_is(shared: FakeProject) -> None:
    assert shared.run().returncode == 0
    assert_told(run_as_nobody(shared, 'test'), shared)


@needs_root
def test_a_file_of_the_set_up_that_belongs_to_another_user_is_named(shared: FakeProject) -> None:
    assert shared.run().returncode == 0
    (shared.path / '.hos').chmod(0o777)
    result = run_as_nobody(shared, 'test')
    assert_told(result, shared)
    assert str(shared.path / '.hos' / 'lock') in result.stderr


@needs_root
def test_a_set_up_that_others_cannot_read_says_whose_it_is(shared: FakeProject) -> None:
    assert shared.run().returncode == 0
    (shared.path / '.hos').chmod(0o700)
    assert_told(run_as_nobody(shared, 'devices'), shared)
