from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest
from fake_project import FakeProject, environ_of

VENV = ['uv venv', 'uv pip']
INTERFACES = ['cmake -S', 'cmake --build', 'cmake --install']


@pytest.fixture
def project(tmp_path: Path) -> FakeProject:
    return FakeProject(tmp_path)


@pytest.fixture
def ready(project: FakeProject) -> FakeProject:
    """A project that is set up."""
    result = project.run()
    assert result.returncode == 0, result.stderr
    project.played()
    return project


def test_the_first_start_sets_up_and_runs_the_command(project: FakeProject) -> None:
    result = project.run('call', 'H4001', 'x=1')
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)['arguments'] == ['call', 'H4001', 'x=1']
    assert project.played() == VENV + INTERFACES
    for title in ('package installer', 'Python packages and ROS 2', 'hos_interfaces'):
        assert title in result.stderr


def test_the_second_start_does_nothing_but_run_the_command(ready: FakeProject) -> None:
    result = ready.run('devices')
    assert result.returncode == 0
    assert result.stderr == ''
    assert ready.played() == []


def test_changed_interfaces_are_compiled_again(ready: FakeProject) -> None:
    message = ready.path / 'hos_interfaces' / 'msg' / 'DeviceStream.msg'
    message.write_text(message.read_text() + '# changed\n')
    ready.run()
    assert ready.played() == INTERFACES


@pytest.mark.parametrize('file', ['ros.txt', 'runtime.txt'])
def test_a_changed_requirement_is_installed(ready: FakeProject, file: str) -> None:
    requirements = ready.path / 'requirements' / file
    requirements.write_text(requirements.read_text() + 'more==1\n')
    ready.run()
    assert ready.played() == VENV + INTERFACES


def test_a_changed_launcher_makes_the_environment_again(ready: FakeProject) -> None:
    module = ready.path / 'launcher' / 'packages.py'
    module.write_text(module.read_text() + '# changed\n')
    ready.run()
    assert ready.played() == VENV + INTERFACES


def test_what_python_caches_beside_the_launcher_changes_nothing(ready: FakeProject) -> None:
    (ready.path / 'launcher' / '__pycache__' / 'more.cpython-39.pyc').touch()
    ready.run()
    assert ready.played() == []


def test_development_tools_are_installed_when_they_are_needed(ready: FakeProject) -> None:
    result = ready.run('test')
    assert ready.played() == ['uv pip']
    assert '/tools/bin' in environ_of(result)['PATH']
    assert '/tools' not in environ_of(ready.run('up'))['PYTHONPATH']
    ready.run('test')
    assert ready.played() == []


def test_a_moved_folder_heals(ready: FakeProject) -> None:
    old, ready.path = ready.path, ready.path.with_name('moved')
    old.rename(ready.path)
    result = ready.run()
    assert ready.played() == VENV + INTERFACES
    assert str(old) not in environ_of(result)['PYTHONPATH'].split(os.pathsep)


def test_a_python_that_is_gone_is_replaced(ready: FakeProject) -> None:
    python = ready.path / '.hos' / 'standalone' / 'venv' / 'bin' / 'python'
    python.unlink()
    python.symlink_to('/nonexistent/python3')
    assert ready.run().returncode == 0
    assert ready.played() == VENV


def test_nothing_is_imported_from_where_the_user_is(
    ready: FakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = ready.machine / 'elsewhere'
    elsewhere.mkdir()
    (elsewhere / 'json.py').write_text('raise SystemExit("imported from the working directory")')
    monkeypatch.chdir(elsewhere)
    result = ready.run('devices')
    assert result.returncode == 0, result.stderr


def test_what_a_step_left_half_made_is_not_kept(ready: FakeProject) -> None:
    interfaces = ready.path / '.hos' / 'standalone' / 'interfaces'
    (interfaces / '.made_from').unlink()
    (interfaces / 'half').touch()
    ready.run()
    assert ready.played() == INTERFACES
    assert not (interfaces / 'half').exists()


def test_a_failed_step_is_shown_and_done_again(project: FakeProject) -> None:
    result = project.run(PLAYED_CMAKE='fails')
    assert result.returncode == 1
    assert '  | CMake Error: no rosidl' in result.stderr
    assert 'setup.log' in result.stderr
    assert 'Traceback' not in result.stderr
    project.played()
    assert project.run().returncode == 0
    assert project.played() == INTERFACES


def test_offline_the_reason_is_told(project: FakeProject) -> None:
    result = project.run(PLAYED_PIP='is offline')
    assert result.returncode == 1
    assert 'No matching distribution found for uv' in result.stderr
    assert 'is this machine online?' in result.stderr
    assert 'Traceback' not in result.stderr


def test_concurrent_starts_set_up_once(project: FakeProject) -> None:
    starts = [project.start() for _ in range(4)]
    ends = [(*start.communicate(), start.returncode) for start in starts]
    assert [code for *_, code in ends] == [0] * 4, ends
    assert project.played() == VENV + INTERFACES


def test_ctrl_c_ends_it_without_a_traceback(project: FakeProject) -> None:
    fifo = project.machine / 'fifo'
    os.mkfifo(fifo)
    start = project.start(PLAYED_UV='waits', PLAYED_FIFO=str(fifo))
    with fifo.open('w'):  # Opens when the played uv reads, so the step is under way.
        os.killpg(start.pid, signal.SIGINT)
        _, err = start.communicate()
    assert start.returncode == 130
    assert 'stopped' in err
    assert 'Traceback' not in err
    assert project.run().returncode == 0


def test_after_a_kill_the_next_start_waits_for_what_still_runs(project: FakeProject) -> None:
    fifo = project.machine / 'fifo'
    os.mkfifo(fifo)
    killed = project.start(PLAYED_UV='waits', PLAYED_FIFO=str(fifo))
    with fifo.open('w'):
        killed.kill()
        killed.communicate()
        project.played()
        successor = project.start()
        assert successor.stderr is not None
        assert 'waiting for another ./hos' in successor.stderr.readline()
        assert project.played() == []
    _, err = successor.communicate()
    assert successor.returncode == 0, err
    assert project.played() == VENV + INTERFACES


def test_without_a_compiler_its_package_is_named(project: FakeProject) -> None:
    programs = project.machine / 'bin'
    (programs / 'c++').unlink()
    (programs / 'apt').symlink_to(sys.executable)
    result = project.run(PATH=str(programs))
    assert result.returncode == 1
    assert 'lacks a C++ compiler' in result.stderr
    assert 'sudo apt install g++' in result.stderr
    assert project.played() == []


def test_a_folder_that_cannot_be_written_is_named(project: FakeProject) -> None:
    (project.path / '.hos').touch()
    result = project.run()
    assert result.returncode == 1
    assert str(project.path / '.hos') in result.stderr
    assert 'Traceback' not in result.stderr


def test_processes_hear_this_machine_only_unless_told_otherwise(ready: FakeProject) -> None:
    ours = environ_of(ready.run())
    assert ours['ROS_AUTOMATIC_DISCOVERY_RANGE'] == 'LOCALHOST'
    assert 1 <= int(ours['ROS_DOMAIN_ID']) <= 49
    told = environ_of(ready.run(ROS_AUTOMATIC_DISCOVERY_RANGE='SUBNET', ROS_DOMAIN_ID='0'))
    assert told['ROS_AUTOMATIC_DISCOVERY_RANGE'] == 'SUBNET'
    assert told['ROS_DOMAIN_ID'] == '0'


def test_an_environment_within_the_environment_is_the_same(ready: FakeProject) -> None:
    outer = environ_of(ready.run())
    inner = environ_of(ready.run(**outer))
    assert ready.played() == []
    assert {**inner, 'SHLVL': '', '_': ''} == {**outer, 'SHLVL': '', '_': ''}


class TestSourcedRos:
    @pytest.fixture
    def prefix(self, tmp_path: Path) -> Path:
        prefix = tmp_path / 'opt' / 'ros' / 'jazzy'
        python = f'python{sys.version_info[0]}.{sys.version_info[1]}'
        (prefix / 'lib' / python / 'site-packages' / 'rclpy' / 'experimental').mkdir(parents=True)
        return prefix

    def test_is_used_instead_of_the_wheels(self, project: FakeProject, prefix: Path) -> None:
        result = project.run(AMENT_PREFIX_PATH=str(prefix), ROS_DISTRO='jazzy')
        assert result.returncode == 0, result.stderr
        calls = (project.path / '.hos' / 'setup.log').read_text()
        assert '--system-site-packages' in calls
        assert 'runtime.txt' in calls
        assert 'ros.txt' not in calls
        environ = environ_of(result)
        assert environ['AMENT_PREFIX_PATH'].endswith(f'interfaces:{prefix}')
        assert 'ROS_DOMAIN_ID' not in environ

    def test_with_our_interfaces_nothing_is_compiled(
        self, project: FakeProject, prefix: Path
    ) -> None:
        index = prefix / 'share' / 'ament_index' / 'resource_index' / 'packages'
        index.mkdir(parents=True)
        (index / 'hos_interfaces').touch()
        project.run(AMENT_PREFIX_PATH=str(prefix), ROS_DISTRO='jazzy')
        assert project.played() == VENV

    def test_terminals_with_and_without_it_do_not_undo_each_others(
        self, ready: FakeProject, prefix: Path
    ) -> None:
        ready.run(AMENT_PREFIX_PATH=str(prefix), ROS_DISTRO='jazzy')
        ready.played()
        ready.run()
        ready.run(AMENT_PREFIX_PATH=str(prefix), ROS_DISTRO='jazzy')
        assert ready.played() == []

    def test_that_is_too_old_is_refused(self, project: FakeProject, prefix: Path) -> None:
        shutil.rmtree(next(prefix.rglob('experimental')))
        result = project.run(AMENT_PREFIX_PATH=str(prefix), ROS_DISTRO='humble')
        assert result.returncode == 1
        assert 'ROS 2 (humble) is too old; Jazzy' in result.stderr

    def test_of_a_python_that_is_missing_is_named(
        self, project: FakeProject, prefix: Path
    ) -> None:
        package = next(prefix.glob('lib/*'))
        package.rename(package.with_name('python3.99'))
        result = project.run(AMENT_PREFIX_PATH=str(prefix), ROS_DISTRO='jazzy')
        assert result.returncode == 1
        assert 'install one of: 3.99' in result.stderr
        assert 'sudo apt install python3.99-dev' in result.stderr
