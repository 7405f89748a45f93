"""This project as users install it: built by setup.py into a prefix, as colcon and pip do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from project import ROOT


class InstalledCopy:
    """An installation outside the source tree, with its programs in the ROS place for them."""

    def __init__(self, folder: Path) -> None:
        self.prefix = folder / 'prefix'
        build = folder / 'build'
        build.mkdir(parents=True)
        subprocess.run(
            [
                *(sys.executable, '-W', 'ignore', 'setup.py', '--quiet'),
                *('egg_info', '--egg-base', build),
                *('build', '--build-base', build / 'base'),
                *('install', '--prefix', self.prefix),
                *('--record', build / 'installed.txt', '--single-version-externally-managed'),
            ],
            cwd=ROOT,
            check=True,
            capture_output=True,
        )
        (package,) = self.prefix.glob('lib/python*/site-packages/hos_device_layer')
        self.site = package.parent

    def environment(self) -> dict[str, str]:
        """Return an environment in which this copy is imported, and not the source tree."""
        paths = [path for path in sys.path if path and not Path(path, 'hos_device_layer').is_dir()]
        ament = os.environ.get('AMENT_PREFIX_PATH', '')
        return {
            **os.environ,
            'PYTHONPATH': os.pathsep.join([str(self.site), *paths]),
            'AMENT_PREFIX_PATH': os.pathsep.join([str(self.prefix), ament]),
        }

    def files(self) -> dict[Path, tuple[int, int]]:
        """Return size and time of change of every file but Python's own cache."""
        return {
            path: (path.stat().st_size, path.stat().st_mtime_ns)
            for path in self.prefix.rglob('*')
            if path.is_file() and path.suffix != '.pyc'
        }
