"""What this machine has: ROS 2, Python interpreters, a compiler."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import SetupError

# The versions that the ROS wheels are built for; the one of ROS 2 Jazzy comes first.
PYTHON_VERSIONS = ((3, 12), (3, 11), (3, 10), (3, 13))
ROS_INSTALLATION = 'https://docs.ros.org/en/jazzy/Installation.html'


@dataclass(frozen=True)
class RosInstallation:
    """The ROS 2 installation that is sourced in this shell."""

    distro: str
    python: tuple[int, int]
    has_interfaces: bool


def sourced_ros(environ: Mapping[str, str]) -> RosInstallation | None:
    """Return the ROS 2 that is sourced, if any; raises SetupError if it is too old."""
    prefixes = [Path(p) for p in environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep) if p]
    # Inside an environment of ours (in a test or a script), ours is not a sourced installation.
    prefixes = [prefix for prefix in prefixes if '.hos' not in prefix.parts]
    rclpy = next((r for p in prefixes for r in p.glob('lib/python3.*/site-packages/rclpy')), None)
    if rclpy is None:
        return None
    distro = environ.get('ROS_DISTRO', 'unknown')
    if not (rclpy / 'experimental').is_dir():
        raise SetupError(
            f'the sourced ROS 2 ({distro}) is too old; Jazzy or newer is required.\n'
            'Source a newer one, or run ./hos in a terminal that does not source ROS 2: it then '
            'installs its own.'
        )
    index = 'share/ament_index/resource_index/packages/hos_interfaces'
    minor = int(rclpy.parent.parent.name.partition('.')[2])
    return RosInstallation(
        distro, (3, minor), any((prefix / index).exists() for prefix in prefixes)
    )


@dataclass(frozen=True)
class PythonInterpreter:
    """A Python interpreter on this machine."""

    path: str
    version: tuple[int, int]
    include: Path

    @property
    def has_headers(self) -> bool:
        """Whether C extensions can be compiled for it."""
        return (self.include / 'Python.h').exists()


def inspect_python(path: str) -> PythonInterpreter | None:
    """Return what an interpreter says about itself, or None if it does not run."""
    question = "import sys, sysconfig; print(*sys.version_info[:2], sysconfig.get_path('include'))"
    answer = subprocess.run([path, '-c', question], capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        return None
    major, minor, include = answer.stdout.split(maxsplit=2)
    return PythonInterpreter(path, (int(major), int(minor)), Path(include.strip()))


def choose_python(ros: RosInstallation | None) -> PythonInterpreter:
    """Return the running interpreter if it is suitable, else a suitable one on the PATH."""
    wanted = [ros.python] if ros else list(PYTHON_VERSIONS)
    on_path = [shutil.which(f'python{major}.{minor}') for major, minor in wanted]
    found = [inspect_python(path) for path in [sys.executable, *on_path] if path]
    usable = [python for python in found if python and python.version in wanted]
    if not usable:
        raise SetupError(_no_python(wanted))
    return next((python for python in usable if python.has_headers), usable[0])


def check_machine(ros: RosInstallation | None, python: PythonInterpreter) -> None:
    """Raise SetupError if this machine lacks something that only its owner can install."""
    machine = (platform.system(), platform.machine())
    if ros is None and machine != ('Linux', 'x86_64'):
        raise SetupError(
            f'there are no ROS 2 wheels for {" ".join(machine)}, only for Linux x86_64.\n'
            f'Install ROS 2 ({ROS_INSTALLATION}), source it, then run ./hos again.'
        )
    missing = _missing_packages(ros, python)
    if missing:
        apt = shutil.which('apt') or not shutil.which('dnf')
        packages = ' '.join(for_apt if apt else for_dnf for _, for_apt, for_dnf in missing)
        raise SetupError(
            f'this machine lacks {" and ".join(what for what, *_ in missing)}. Install with:\n'
            f'  sudo {"apt" if apt else "dnf"} install {packages}\n'
            'then run ./hos again.'
        )


def _missing_packages(
    ros: RosInstallation | None, python: PythonInterpreter
) -> list[tuple[str, str, str]]:
    """Return what is missing, each with its package for apt and for dnf."""
    version = '.'.join(map(str, python.version))
    headers = f'the header files of Python {version}'
    candidates = [
        (_has_compiler(), 'a C++ compiler', 'g++', 'gcc-c++'),
        (python.has_headers, headers, f'python{version}-dev', 'python3-devel'),
        (_has_pip(), 'pip', 'python3-pip', 'python3-pip'),
        # The ROS wheels bring a cmake of their own.
        (ros is None or bool(shutil.which('cmake')), 'cmake', 'cmake', 'cmake'),
    ]
    return [(what, apt, dnf) for is_there, what, apt, dnf in candidates if not is_there]


def _has_compiler() -> bool:
    return shutil.which(os.environ.get('CXX', 'c++')) is not None


def _has_pip() -> bool:
    return any(importlib.util.find_spec(module) for module in ('pip', 'ensurepip'))


def _no_python(wanted: list[tuple[int, int]]) -> str:
    names = ', '.join(f'{major}.{minor}' for major, minor in sorted(wanted))
    major, minor = wanted[0]
    return (
        f'Python {platform.python_version()} is not supported; install one of: {names}.\n'
        'For example, on Debian or Ubuntu:\n'
        f'  sudo apt install python{major}.{minor}-dev python3-pip\n'
        'then run ./hos again; it finds the interpreter on the PATH.'
    )
