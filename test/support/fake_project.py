"""A project that `hos` sets up in a second, offline: the programs that it calls are fakes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from project import ROOT

# What the steps of the set-up call.
VENV = ['uv venv', 'uv pip']
INTERFACES = ['cmake -S', 'cmake --build', 'cmake --install']

LOGGED = '#!/bin/sh\necho "$(basename "$0") $*" >> "$FAKE_LOG"\n'

# The last word of `uv venv` is the folder; `uv pip install --target` makes its folder.
# `pip install --target folder …` installs uv, `pip config list` knows nothing.
PIP = """
import os, pathlib, shutil, sys
if os.environ.get('FAKE_PIP') == 'is offline':
    sys.exit('ERROR: No matching distribution found for uv')
if 'install' in sys.argv:
    programs = pathlib.Path(sys.argv[sys.argv.index('--target') + 1], 'bin')
    programs.mkdir(parents=True)
    shutil.copy(pathlib.Path(__file__).with_name('uv'), programs)
"""
UV = f"""{LOGGED}
[ "$FAKE_UV" = waits ] && exec cat "$FAKE_FIFO"
for last; do :; done
if [ "$1" = venv ]; then exec "{sys.executable}" -m venv --without-pip "$last"; fi
while [ $# -gt 1 ]; do [ "$1" = --target ] && mkdir -p "$2"; shift; done
exit 0
"""
# Called as `-S sources -B build …`, `--build build …`, `--install build`.
CMAKE = f"""{LOGGED}
if [ "$FAKE_CMAKE" = fails ]; then echo "CMake Error: no rosidl"; exit 1; fi
[ "$1" = -S ] && mkdir -p "$4"
exit 0
"""
COMMAND_LINE = """
import json, os, sys
print(json.dumps({'arguments': sys.argv[1:], 'environ': dict(os.environ)}))
"""


class FakeProject:
    """A copy of what the launcher works on, and a machine to run it on."""

    def __init__(self, folder: Path) -> None:
        self.machine = folder / 'machine'
        self.path = folder / 'a project'
        self.log = self.machine / 'log'
        self._make_machine()
        cached = shutil.ignore_patterns('__pycache__')
        for name in ('hos_interfaces', 'launcher', 'requirements'):
            shutil.copytree(ROOT / name, self.path / name, ignore=cached)
        shutil.copy(ROOT / 'hos', self.path / 'hos')
        package = self.path / 'hos_device_layer' / 'command_line'
        package.mkdir(parents=True)
        for folder in (package.parent, package):
            (folder / '__init__.py').touch()
        (package / '__main__.py').write_text(COMMAND_LINE)

    def environ(self, **changes: str) -> dict[str, str]:
        return {
            'HOME': str(self.machine),
            'PATH': f'{self.machine / "bin"}:{os.environ["PATH"]}',
            'PYTHONPATH': str(self.machine / 'modules'),
            'FAKE_LOG': str(self.log),
            **changes,
        }

    def start(self, *arguments: str, **changes: str) -> subprocess.Popen[str]:
        """Start the launcher, in a process group of its own as a terminal does."""
        return subprocess.Popen(
            [sys.executable, self.path / 'hos', *arguments],
            env=self.environ(**changes),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments, **changes)
        out, err = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def calls(self) -> list[str]:
        """Return what was called since the last time: `uv venv`, `cmake --build` and so on."""
        calls = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return [' '.join(call.split()[:2]) for call in calls]

    def _make_machine(self) -> None:
        (self.machine / 'bin').mkdir(parents=True)
        for name, text in {'cmake': CMAKE, 'c++': LOGGED}.items():
            (self.machine / 'bin' / name).write_text(text)
            (self.machine / 'bin' / name).chmod(0o755)
        pip = self.machine / 'modules' / 'pip'
        pip.mkdir(parents=True)
        (pip / '__init__.py').touch()
        (pip / '__main__.py').write_text(PIP)
        (pip / 'uv').write_text(UV)
        (pip / 'uv').chmod(0o755)


def environ_of(result: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """Return the environment in which the command line was started."""
    environ: dict[str, str] = json.loads(result.stdout)['environ']
    return environ
