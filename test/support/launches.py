"""Launch files of an installed copy, executed in a process and a folder of their own."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from hos_command import RunningCommand
from installed_copy import InstalledCopy
from project import ROOT


class Launches:
    """Executes launch files from a folder, with a home folder beside it."""

    def __init__(self, copy: InstalledCopy, folder: Path, domain_id: int) -> None:
        self.workspace = folder / 'workspace'
        self.workspace.mkdir()
        self._files = copy.prefix / 'share' / 'hos_device_layer' / 'launch'
        home = str(folder / 'home')
        self.environment = {
            **copy.environment(),
            **dict.fromkeys(('HOME', 'XDG_CONFIG_HOME', 'XDG_STATE_HOME', 'ROS_HOME'), home),
            'ROS_DOMAIN_ID': str(domain_id),
        }

    @contextlib.contextmanager
    def run(self, file: str, *arguments: str) -> Iterator[RunningCommand]:
        """Execute a launch file within the context: `run('x.launch.py', 'name:=value')`."""
        script = ROOT / 'test' / 'support' / 'launch_file.py'
        command = RunningCommand(
            [sys.executable, str(script), str(self._files / file), *arguments],
            self.environment,
            self.workspace,
        )
        try:
            yield command
        finally:
            command.close()
