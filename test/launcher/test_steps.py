"""What makes a step of the set-up run again."""

from __future__ import annotations

import os

import pytest
from fake_project import INTERFACES, VENV, FakeProject, environ_of


def test_changed_interfaces_are_compiled_again(ready: FakeProject) -> None:
    message = ready.path / 'hos_interfaces' / 'msg' / 'DeviceStream.msg'
    message.write_text(message.read_text() + '# changed\n')
    ready.run()
    assert ready.calls() == INTERFACES


@pytest.mark.parametrize('file', ['ros.txt', 'runtime.txt'])
def test_a_changed_requirement_is_installed(ready: FakeProject, file: str) -> None:
    requirements = ready.path / 'requirements' / file
    requirements.write_text(requirements.read_text() + 'more==1\n')
    ready.run()
    assert ready.calls() == VENV + INTERFACES


def test_packages_are_compiled_so_that_commands_start_fast_for_every_user(
    project: FakeProject,
) -> None:
    project.run('test')
    installs = [line for line in project.log.read_text().splitlines() if 'uv pip' in line]
    assert len(installs) == 2
    assert all('--compile-bytecode' in line for line in installs)


def test_a_changed_launcher_makes_the_environment_again(ready: FakeProject) -> None:
    module = ready.path / 'launcher' / 'packages.py'
    module.write_text(module.read_text() + '# changed\n')
    ready.run()
    assert ready.calls() == VENV + INTERFACES


def test_what_python_caches_beside_the_launcher_changes_nothing(ready: FakeProject) -> None:
    (ready.path / 'launcher' / '__pycache__' / 'more.cpython-39.pyc').touch()
    ready.run()
    assert ready.calls() == []


def test_a_moved_folder_heals(ready: FakeProject) -> None:
    old, ready.path = ready.path, ready.path.with_name('moved')
    old.rename(ready.path)
    result = ready.run()
    assert ready.calls() == VENV + INTERFACES
    assert str(old) not in environ_of(result)['PYTHONPATH'].split(os.pathsep)


def test_a_python_that_is_gone_is_replaced(ready: FakeProject) -> None:
    python = ready.path / '.hos' / 'standalone' / 'venv' / 'bin' / 'python'
    python.unlink()
    python.symlink_to('/nonexistent/python3')
    assert ready.run().returncode == 0
    assert ready.calls() == VENV


def test_what_a_step_left_half_made_is_not_kept(ready: FakeProject) -> None:
    interfaces = ready.path / '.hos' / 'standalone' / 'interfaces'
    (interfaces / '.made_from').unlink()
    (interfaces / 'half').touch()
    ready.run()
    assert ready.calls() == INTERFACES
    assert not (interfaces / 'half').exists()


def test_a_failed_step_is_shown_and_done_again(project: FakeProject) -> None:
    result = project.run(FAKE_CMAKE='fails')
    assert result.returncode == 1
    assert '  | CMake Error: no rosidl' in result.stderr
    assert 'setup.log' in result.stderr
    assert 'Traceback' not in result.stderr
    project.calls()
    assert project.run().returncode == 0
    assert project.calls() == INTERFACES
