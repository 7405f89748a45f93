"""`pip install .` in an environment without ROS; slow, because it builds and installs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from manager_process import MANAGER, Program
from project import ROOT

# The environment of a user who has never heard of ROS, with the network of this machine.
KEPT = ('PIP_', 'SSL_', 'HTTP', 'http', 'ALL_PROXY', 'NO_PROXY', 'no_proxy', 'LANG')
COMMANDS = {'device_manager', 'hos', 'hos_client', 'hos_generator', 'hos_host', 'simulated_fleet'}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


class BareEnvironment:
    """A virtual environment, and the shell of a user who has activated it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / 'venv' / 'bin'
        self.environ = {name: text for name, text in os.environ.items() if name.startswith(KEPT)}
        self.environ |= {'HOME': str(folder), 'PATH': f'{self.bin}:/usr/bin:/bin'}
        # The interpreter below the environment that runs the tests.
        self._python = str(Path(sys.executable).resolve())
        venv = [self._python, '-m', 'venv', self.bin.parent]
        if self.run(*venv).returncode != 0:
            # Debian has taken ensurepip out of Python; its pip installs into other environments.
            assert self.run(*venv, '--clear', '--without-pip').returncode == 0

    def pip(self, *arguments: str | Path) -> None:
        has_pip = (self.bin / 'pip').exists()
        where = [] if has_pip else ['--python', self.bin / 'python']
        pip = [self.bin / 'python' if has_pip else self._python, '-m', 'pip', *where]
        ended = self.run(*pip, *arguments)
        assert ended.returncode == 0, ended.stdout + ended.stderr

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope='module')
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel, built from what is committed."""
    folder = tmp_path_factory.mktemp('wheel')
    subprocess.run(['git', 'clone', '--quiet', ROOT, folder / 'a clone'], check=True)
    BareEnvironment(folder).pip('wheel', '--no-deps', '-w', folder, folder / 'a clone')
    return next(folder.glob('*.whl'))


@pytest.fixture(scope='module')
def client(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> BareEnvironment:
    """An environment with the device SDK alone."""
    environment = BareEnvironment(tmp_path_factory.mktemp('client'))
    environment.pip('install', wheel)
    return environment


@pytest.fixture(scope='module')
def host(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> BareEnvironment:
    """An environment for a host."""
    environment = BareEnvironment(tmp_path_factory.mktemp('host'))
    environment.pip('install', f'hos_device_layer[commands,generator,host] @ {wheel.as_uri()}')
    return environment


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Program]:
    """A device manager of this checkout, whose gateway listens on any port."""
    program = Program(MANAGER, gateway_port=0, state_folder=tmp_path / 'state')
    yield program
    program.end()


def test_the_commands_are_on_the_path(client: BareEnvironment) -> None:
    assert {path.name for path in client.bin.iterdir()} >= COMMANDS
    for command in ('hos', 'hos_client'):
        ended = client.run(command, '--help')
        assert (ended.returncode, ended.stderr) == (0, '')
        assert 'usage:' in ended.stdout


def test_commands_that_need_more_say_what_in_a_sentence(client: BareEnvironment) -> None:
    for command, missing in {
        'device_manager': 'ROS 2',
        'simulated_fleet': 'ROS 2',
        'hos_generator': 'hos_device_layer[generator]',
        'hos_host': 'hos_device_layer[host]',
        'hos call': 'ROS 2',
        'hos check': 'hos_device_layer[commands]',
        'hos test': 'source checkout',
    }.items():
        ended = client.run(*command.split())
        assert ended.returncode == 2, command
        assert missing in ended.stderr
        assert len(ended.stderr.splitlines()) == 1


def test_an_installed_device_answers_a_call(client: BareEnvironment, manager: Program) -> None:
    line = manager.wait_for_output('gateway: ws://')
    url = line[line.index('ws://') :].split()[0]
    example = ROOT / 'examples' / 'python_device.py'
    with subprocess.Popen(
        [client.bin / 'python', example, url],
        cwd=client.folder,
        env=client.environ,
        stderr=subprocess.PIPE,
        text=True,
    ) as device:
        try:
            manager.wait_for_output(r'C8101 .*: connected')
            call = [sys.executable, '-m', 'hos_device_layer.command_line', 'call']
            ended = subprocess.run(
                [*call, 'C8101', 'climate_read'], capture_output=True, text=True, check=False
            )
            assert ended.returncode == 0, ended.stdout + ended.stderr
            assert 'pressure = 1013' in ended.stdout
        finally:
            device.send_signal(signal.SIGINT)
            _, errors = device.communicate()
    assert device.returncode == 0, errors
    assert 'Traceback' not in errors


def test_an_installed_host_starts_with_its_extra(host: BareEnvironment) -> None:
    assert host.run('hos_host', '--list').returncode == 0
    assert host.run(host.bin / 'python', '-m', 'hos_client.host', '--list').returncode == 0
    assert 'usage: hos host' in host.run('hos', 'host', '--help').stdout


def test_the_installed_sample_is_found_without_ros(host: BareEnvironment) -> None:
    ended = host.run('hos', 'check')
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert 'fleets: demo' in ended.stdout
