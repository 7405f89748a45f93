"""What the machine lacks, and a ROS 2 that is sourced."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from fake_project import VENV, FakeProject, environ_of


def test_without_a_compiler_its_package_is_named(project: FakeProject) -> None:
    programs = project.machine / 'bin'
    (programs / 'c++').unlink()
    (programs / 'apt').symlink_to(sys.executable)
    result = project.run(PATH=str(programs))
    assert result.returncode == 1
    assert 'lacks a C++ compiler' in result.stderr
    assert 'sudo apt install g++' in result.stderr
    assert project.calls() == []


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    prefix = tmp_path / 'opt' / 'ros' / 'jazzy'
    python = f'python{sys.version_info[0]}.{sys.version_info[1]}'
    (prefix / 'lib' / python / 'site-packages' / 'rclpy' / 'experimental').mkdir(parents=True)
    return prefix


def test_a_sourced_ros_is_used_instead_of_the_wheels(project: FakeProject, prefix: Path) -> None:
    result = project.run(AMENT_PREFIX_PATH=str(prefix), ROS_DISTRO='jazzy')
    assert result.returncode == 0, result.stderr
    calls = (project.path / '.hos' / 'setup.log').read_text()
    assert '--system-site-packages' in calls
    assert 'runtime.txt' in calls
    assert 'ros.txt' not in calls
    environ = environ_of(result)
    assert environ['AMENT_PREFIX_PATH'].endswith(f'interfaces:{prefix}')
    assert 'ROS_DOMAIN_ID' not in environ


def test_with_our_interfaces_in_it_nothing_is_compiled(project: FakeProject, prefix: Path) -> None:
    index = prefix / 'share' / 'ament_index' / 'resource_index' / 'packages'
    index.mkdir(parents=True)
    (index / 'hos_interfaces').touch()
    project.run(AMENT_PREFIX_PATH=str(prefix), ROS_DISTRO='jazzy')
    assert project.calls() == VENV


def test_terminals_with_and_without_a_sourced_ros_do_not_undo_each_other(
    ready: FakeProject, prefix: Path
) -> None:
    ready.run(AMENT_PREFIX_PATH=str(prefix), ROS_DISTRO='jazzy')
    ready.calls()
    ready.run()
    ready.run(AMENT_PREFIX_PATH=str(prefix), ROS_DISTRO='jazzy')
    assert ready.calls() == []


def test_a_sourced_ros_that_is_too_old_is_refused(project: FakeProject, prefix: Path) -> None:
    shutil.rmtree(next(prefix.rglob('experimental')))
    result = project.run(AMENT_PREFIX_PATH=str(prefix), ROS_DISTRO='humble')
    assert result.returncode == 1
    assert 'ROS 2 (humble) is too old; Jazzy' in result.stderr


def test_a_sourced_ros_of_a_python_that_is_missing_is_named(
    project: FakeProject, prefix: Path
) -> None:
    package = next(prefix.glob('lib/*'))
    package.rename(package.with_name('python3.99'))
    result = project.run(AMENT_PREFIX_PATH=str(prefix), ROS_DISTRO='jazzy')
    assert result.returncode == 1
    assert 'install one of: 3.99' in result.stderr
    assert 'sudo apt install python3.99-dev' in result.stderr
