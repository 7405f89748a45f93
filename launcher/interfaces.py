"""The step that compiles `hos_interfaces`."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from .environment import process_environment
from .machine import RosInstallation
from .packages import PackageSteps
from .paths import INTERFACES, SetupFolders
from .runner import ProgramRunner
from .steps import SetupStep, fingerprint


def interfaces_step(
    folders: SetupFolders, ros: RosInstallation | None, packages: PackageSteps
) -> SetupStep:
    """Return the step; it is done again when the environment or a message changes."""
    return SetupStep(
        title='Compiling hos_interfaces',
        folder=folders.interfaces,
        inputs=lambda: fingerprint(packages.venv_inputs(), INTERFACES),
        make=lambda runner: _compile(runner, folders, process_environment(folders, ros)),
    )


def _compile(runner: ProgramRunner, folders: SetupFolders, environ: dict[str, str]) -> None:
    cmake = shutil.which('cmake', path=environ['PATH'])
    assert cmake
    build = folders.interfaces / 'build'
    ninja = ['-G', 'Ninja'] if shutil.which('ninja', path=environ['PATH']) else []
    defines = [f'-D{name}={value}' for name, value in _options(folders).items()]
    runner.run([cmake, '-S', INTERFACES, '-B', build, *ninja, *defines], environ)
    runner.run([cmake, '--build', build, '--parallel', str(os.cpu_count() or 1)], environ)
    runner.run([cmake, '--install', build], environ)
    shutil.rmtree(build)


def _options(folders: SetupFolders) -> dict[str, str | Path]:
    return {
        'BUILD_TESTING': 'OFF',
        'CMAKE_BUILD_TYPE': 'Release',
        'CMAKE_INSTALL_PREFIX': folders.interfaces,
        'Python3_EXECUTABLE': folders.python,
    }
