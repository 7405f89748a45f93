"""What `./hos` does: complete the set-up, then become the command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from .display import say
from .environment import process_environment
from .errors import SetupError
from .interfaces import interfaces_step
from .machine import RosInstallation, check_machine, choose_python, sourced_ros
from .packages import PackageSteps
from .paths import LAUNCHER, STATE, SetupFolders, folders_for
from .permissions import check_permissions, not_permitted
from .runner import ProgramRunner
from .steps import SetupStep

# Commands that need the development tools as well.
_DEVELOPMENT_COMMANDS = ('lint', 'test')

# As `python -m` does, except that nothing is imported from the user's working directory.
_COMMAND_LINE = (
    'import runpy, sys; del sys.path[0]; '
    "runpy.run_module('hos_device_layer.command_line', run_name='__main__', alter_sys=True)"
)


def main(arguments: Sequence[str]) -> int:
    """Run the command line with these arguments; returns only if the set-up fails."""
    try:
        _start(arguments)
    except KeyboardInterrupt:
        say('stopped; the next ./hos continues the set-up')
        return 130
    except PermissionError as error:
        # A part of the set-up belongs to another user.
        say(not_permitted(Path(error.filename or STATE)))
    except (SetupError, OSError) as error:
        say(str(error))
    return 1


def _start(arguments: Sequence[str]) -> None:
    with_tools = bool(arguments) and arguments[0] in _DEVELOPMENT_COMMANDS
    ros = sourced_ros(os.environ)
    folders = folders_for(ros.distro if ros else None)
    _set_up(_steps(folders, ros, with_tools), ros, arguments)
    python = str(folders.python)
    environ = process_environment(folders, ros, with_tools)
    os.execve(python, [python, '-c', _COMMAND_LINE, *arguments], environ)


def _steps(
    folders: SetupFolders, ros: RosInstallation | None, with_tools: bool
) -> list[SetupStep]:
    packages = PackageSteps(folders, ros)
    steps = [packages.installer(), packages.venv()]
    if not (ros and ros.has_interfaces):
        steps.append(interfaces_step(folders, ros, packages))
    if with_tools:
        steps.append(packages.tools())
    return steps


def _set_up(
    steps: Sequence[SetupStep], ros: RosInstallation | None, arguments: Sequence[str]
) -> None:
    """Do the steps that are not done, with an interpreter that is suitable."""
    if all(step.is_done() for step in steps):
        return
    check_permissions()
    python = choose_python(ros)
    if python.path != sys.executable:
        os.execv(python.path, [python.path, str(LAUNCHER), *arguments])
    check_machine(ros, python)
    with ProgramRunner() as runner:
        for step in steps:
            if not step.is_done():
                step.do(runner)
