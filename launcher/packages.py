"""The steps that install Python packages: the installer, the environment, the tools."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from .environment import ROS_WHEELS_VARIABLES
from .machine import RosInstallation, inspect_python
from .paths import LAUNCHER, REQUIREMENTS, SetupFolders
from .runner import ProgramRunner
from .steps import SetupStep, fingerprint

_INSTALLER_REQUIREMENTS = REQUIREMENTS / 'installer.txt'
_TOOLS_REQUIREMENTS = REQUIREMENTS / 'dev.txt'


class PackageSteps:
    """The steps that install packages for one ROS installation, or for the ROS wheels."""

    def __init__(self, folders: SetupFolders, ros: RosInstallation | None) -> None:
        self._folders = folders
        self._ros = ros
        self._requirements = [REQUIREMENTS / 'runtime.txt']
        if ros is None:
            self._requirements.append(REQUIREMENTS / 'ros.txt')

    def installer(self) -> SetupStep:
        """Return the step that installs uv."""
        folder = self._folders.installer
        return SetupStep(
            title='Getting the package installer',
            folder=folder,
            inputs=lambda: fingerprint(str(folder), _INSTALLER_REQUIREMENTS),
            make=self._make_installer,
        )

    def venv(self) -> SetupStep:
        """Return the step that creates the virtual environment."""
        return SetupStep(
            title='Installing the Python packages' + ('' if self._ros else ' and ROS 2'),
            folder=self._folders.venv,
            inputs=self.venv_inputs,
            make=self._make_venv,
        )

    def tools(self) -> SetupStep:
        """Return the step that installs the development tools."""
        return SetupStep(
            title='Installing the development tools',
            folder=self._folders.tools,
            inputs=lambda: fingerprint(self.venv_inputs(), _TOOLS_REQUIREMENTS),
            make=lambda runner: self._install(
                runner, [_TOOLS_REQUIREMENTS], '--target', self._folders.tools
            ),
        )

    def venv_inputs(self) -> str:
        """Return the fingerprint of what the virtual environment is made from."""
        python = self._folders.python
        interpreter = str(python.resolve()) if python.exists() else 'none'
        files = [LAUNCHER, Path(__file__).parent, *self._requirements]
        return fingerprint(str(self._folders.venv), interpreter, *files)

    def _make_installer(self, runner: ProgramRunner) -> None:
        folder = self._folders.installer
        python: str | Path = sys.executable
        if importlib.util.find_spec('pip') is None:
            pip_only = folder / 'pip'
            runner.run([python, '-m', 'venv', pip_only], os.environ)
            python = pip_only / 'bin' / 'python'
        install = ['-m', 'pip', 'install', '--no-input', '--disable-pip-version-check']
        install += ['--target', str(folder), '-r', str(_INSTALLER_REQUIREMENTS)]
        runner.run([python, *install], {**os.environ, 'PIP_USER': '0'})

    def _make_venv(self, runner: ProgramRunner) -> None:
        options = ['--no-project', '--python', sys.executable]
        if self._ros:
            options.append('--system-site-packages')
        venv = self._folders.venv
        runner.run([self._folders.uv, 'venv', *options, venv], _uv_environment())
        self._install(runner, self._requirements)
        if self._ros is None:
            correct_build_paths(venv)

    def _install(
        self, runner: ProgramRunner, requirements: Sequence[Path], *to: str | Path
    ) -> None:
        # Each file lists all dependencies, so that there is nothing to resolve.
        options: list[str | Path] = ['--no-deps', '--python', str(self._folders.python), *to]
        # Commands start in half the time, also for users who cannot write the bytecode.
        options.append('--compile-bytecode')
        for file in requirements:
            options += ['-r', file]
        runner.run([self._folders.uv, 'pip', 'install', *options], _uv_environment())


def correct_build_paths(venv: Path) -> None:
    """Replace, in the ROS wheels, the paths of the machine on which they were built."""
    python = inspect_python(str(venv / 'bin' / 'python'))
    assert python
    numpy = next(venv.glob('lib/python3*/site-packages/numpy/*/include'), venv)
    corrections = {
        r'/opt/python/cp3\d+-cp3\d+/include/python3\.\d+': str(python.include),
        r'/opt/python/cp3\d+-cp3\d+/lib/python3\.\d+/site-packages/numpy/\w+/include': str(numpy),
    }
    for file in (venv / 'share').rglob('*.cmake'):
        old = new = file.read_text()
        for wrong, right in corrections.items():
            new = re.sub(wrong, right.replace('\\', r'\\'), new)
        if new != old:
            file.write_text(new)


def _uv_environment() -> dict[str, str]:
    """Return the environment for uv, with the network settings of pip."""
    names = {
        'index-url': 'UV_DEFAULT_INDEX',
        'trusted-host': 'UV_INSECURE_HOST',
        'proxy': 'ALL_PROXY',
        'cert': 'SSL_CERT_FILE',
    }
    command = [sys.executable, '-m', 'pip', 'config', 'list']
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    settings = dict(re.findall(r"^[^=]*\.([\w-]+)='(.*)'$", listed, re.MULTILINE))
    environ = {variable: settings[name] for name, variable in names.items() if name in settings}
    # Copies, not links: the environment survives an emptied cache, and the corrected build paths
    # do not reach other projects.
    environ |= {'UV_LINK_MODE': 'copy', 'UV_PYTHON_DOWNLOADS': 'never', 'UV_SYSTEM_CERTS': '1'}
    return {**environ, **os.environ, **ROS_WHEELS_VARIABLES}
