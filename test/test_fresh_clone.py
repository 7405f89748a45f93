"""A fresh clone sets itself up, and colcon builds it; slow, because both compile."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from project import ROOT

# The network settings of this machine; nothing else of its environment may help a new user.
NETWORK = ('PIP_', 'UV_', 'SSL_', 'HTTP', 'http', 'ALL_PROXY', 'NO_PROXY', 'no_proxy')

ROUND_TRIP = """
import rclpy
from hos_interfaces.msg import ConnectionInfo
rclpy.init()
node = rclpy.create_node('newcomer')
assert node.create_publisher(ConnectionInfo, 'newcomer', 1).topic_name == '/newcomer'
print('rclpy works')
"""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope='module')
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp('newcomer') / 'clone of hos'
    subprocess.run(['git', 'clone', '--quiet', ROOT, path], check=True)
    return path


def output(command: list[str | Path], cwd: Path, environ: dict[str, str]) -> str:
    ended = subprocess.run(
        command,
        cwd=cwd,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
    return ended.stdout


def test_a_fresh_clone_sets_itself_up(clone: Path, tmp_path: Path) -> None:
    ours = str(ROOT / '.hos')
    path = [part for part in os.environ['PATH'].split(os.pathsep) if not part.startswith(ours)]
    environ = {name: text for name, text in os.environ.items() if name.startswith(NETWORK)}
    environ |= {'HOME': str(tmp_path), 'PATH': os.pathsep.join(path)}
    environ['ROS_DOMAIN_ID'] = os.environ['ROS_DOMAIN_ID']
    first = output([clone / 'hos'], tmp_path, environ)
    assert 'Compiling hos_interfaces: done' in first
    assert 'usage: hos' in first
    # The second start prints nothing of its own.
    second = output([clone / 'hos', 'python', '-c', ROUND_TRIP], tmp_path, environ)
    assert second == 'rclpy works\n'


def environ_without_interfaces() -> dict[str, str]:
    """The environment of these tests without the compiled interfaces of this checkout."""
    environ = dict(os.environ)
    for name in ('AMENT_PREFIX_PATH', 'CMAKE_PREFIX_PATH', 'LD_LIBRARY_PATH', 'PYTHONPATH'):
        parts = environ[name].split(os.pathsep)
        used = [p for p in parts if 'interfaces' not in Path(p).parts and Path(p) != ROOT]
        environ[name] = os.pathsep.join(used)
    return environ


def test_a_plain_colcon_build_of_a_workspace(clone: Path, tmp_path: Path) -> None:
    source = tmp_path / 'src' / 'my device layer'
    subprocess.run(['git', 'clone', '--quiet', clone, source], check=True)
    colcon: list[str | Path] = [sys.executable, '-m', 'colcon', 'build']
    environ = environ_without_interfaces()
    ended = subprocess.run(
        colcon, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
    )
    assert ended.returncode != 0, ended.stdout
    assert 'hos_interfaces was not found' in ended.stderr
    advice = re.search('^ *ln -s .*$', ended.stderr, re.MULTILINE)
    assert advice
    subprocess.run(advice[0], shell=True, cwd=tmp_path, check=True)
    built = output(colcon, tmp_path, environ)
    assert 'Finished <<< hos_interfaces' in built
    imports = 'import hos_device_layer.device_manager; print(hos_device_layer.__file__)'
    program = ['bash', '-c', f'. install/setup.bash && {sys.executable} -c "{imports}"']
    assert str(tmp_path / 'install') in output(program, tmp_path, environ)


def test_colcon_builds_and_installs_it(clone: Path, tmp_path: Path) -> None:
    build = ['--build-base', tmp_path / 'build', '--install-base', tmp_path / 'install']
    paths = ['--base-paths', '.', 'hos_interfaces']
    colcon: list[str | Path] = [sys.executable, '-m', 'colcon', '--log-base', tmp_path / 'log']
    built = output([*colcon, 'build', *build, *paths], clone, environ_without_interfaces())
    assert 'warning: redundant' not in built
    assert 'CMake Deprecation Warning' not in built
    package = tmp_path / 'install' / 'hos_device_layer'
    installed = {
        path.relative_to(package / 'share' / 'hos_device_layer').as_posix()
        for path in (package / 'share' / 'hos_device_layer').rglob('*')
    }
    assert {
        'package.xml',
        'config/hos_run.yaml',
        'device_db/devices.yaml',
        'launch/hos_generator.launch.py',
        'launch/hos_run.launch.py',
    } <= installed
    programs = {path.name for path in (package / 'lib' / 'hos_device_layer').iterdir()}
    assert programs == {
        'device_manager',
        'hos',
        'hos_client',
        'hos_generator',
        'hos_host',
        'simulated_fleet',
    }
    # Sourced as a ROS 2 user does, it runs from there.
    enter = f'. "{tmp_path}/install/setup.bash" && exec "{package}/lib/hos_device_layer/hos" -h'
    assert 'usage: hos' in output(['bash', '-c', enter], tmp_path, dict(os.environ))
