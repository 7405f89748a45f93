"""A checkout that belongs to another user."""

from __future__ import annotations

import os
import pwd
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_project import FakeProject
from other_user import needs_root, run_as_nobody


@pytest.fixture
def shared() -> Iterator[FakeProject]:
    """A project in a folder that every user can read."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield FakeProject(Path(folder))


def run(project: FakeProject, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_as_nobody([project.path / 'hos', *arguments], project.environ())


def assert_told(result: subprocess.CompletedProcess[str], project: FakeProject) -> None:
    owner = pwd.getpwuid(os.getuid()).pw_name
    assert result.returncode == 1
    assert str(project.path / '.hos') in result.stderr
    assert f'belongs to {owner}' in result.stderr
    assert 'clone' in result.stderr
    assert 'Errno' not in result.stderr and 'Traceback' not in result.stderr


@needs_root
def test_a_checkout_that_is_not_set_up_says_whose_it_is(shared: FakeProject) -> None:
    assert_told(run(shared, 'devices'), shared)


@needs_root
def test_a_set_up_that_must_be_renewed_says_whose_it_is(shared: FakeProject) -> None:
    assert shared.run().returncode == 0
    assert_told(run(shared, 'test'), shared)


@needs_root
def test_a_file_of_the_set_up_that_belongs_to_another_user_is_named(shared: FakeProject) -> None:
    assert shared.run().returncode == 0
    (shared.path / '.hos').chmod(0o777)
    result = run(shared, 'test')
    assert_told(result, shared)
    assert str(shared.path / '.hos' / 'lock') in result.stderr


@needs_root
def test_a_set_up_that_others_cannot_read_says_whose_it_is(shared: FakeProject) -> None:
    assert shared.run().returncode == 0
    (shared.path / '.hos').chmod(0o700)
    assert_told(run(shared, 'devices'), shared)
