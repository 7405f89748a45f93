"""The environment variables that processes of this project run with."""

from __future__ import annotations

import os
from pathlib import Path

from .machine import RosInstallation
from .paths import PROJECT, SetupFolders
from .steps import fingerprint

# The ROS wheels start Python a second time to set LD_LIBRARY_PATH, unless this says it is set.
ROS_WHEELS_VARIABLES = {'_ROS_WHEELS_BOOTSTRAP_COMPLETE': '1'}

# The domains of users; those from 50 on belong to the tests.
_USER_DOMAINS = 49


def process_environment(
    folders: SetupFolders, ros: RosInstallation | None, with_tools: bool = False
) -> dict[str, str]:
    """Return this process's variables with the folders of the set-up in front."""
    environ = dict(os.environ)
    if ros is None:
        _use_wheels(environ)
    for name, paths in _search_paths(folders, ros, with_tools).items():
        old = [part for part in environ.get(name, '').split(os.pathsep) if part]
        new = [str(path) for path in paths]
        environ[name] = os.pathsep.join([*new, *(part for part in old if part not in new)])
    return environ


def _use_wheels(environ: dict[str, str]) -> None:
    environ.update(ROS_WHEELS_VARIABLES)
    # Stay on this machine and apart from other clones, unless the user has said otherwise.
    environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    domain = int(fingerprint(str(PROJECT)), 16) % _USER_DOMAINS + 1
    environ.setdefault('ROS_DOMAIN_ID', str(domain))


def _search_paths(
    folders: SetupFolders, ros: RosInstallation | None, with_tools: bool
) -> dict[str, list[Path]]:
    venv, interfaces = folders.venv, folders.interfaces
    tools = [folders.tools] if with_tools else []
    site = f'lib/{next((venv / "lib").glob("python3*")).name}/site-packages'
    prefixes, libraries = [interfaces], [interfaces / 'lib']
    if ros is None:
        prefixes.append(venv)
        libraries += [venv / 'lib', *(venv / site).glob('ros_*.libs')]
    return {
        'PATH': [folder / 'bin' for folder in [*tools, venv]],
        'PYTHONPATH': [PROJECT, *tools, interfaces / site],
        'AMENT_PREFIX_PATH': prefixes,
        'CMAKE_PREFIX_PATH': prefixes,
        'LD_LIBRARY_PATH': libraries,
    }
