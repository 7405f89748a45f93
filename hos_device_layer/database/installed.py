"""The sample specification that comes with this package."""

from __future__ import annotations

import sys
from pathlib import Path

_PACKAGE = 'hos_device_layer'


def installed_device_db() -> Path:
    """Return its folder in the source tree, else in the installation."""
    source_tree = Path(__file__).parents[2] / 'device_db'
    return source_tree if source_tree.is_dir() else _share_folder() / 'device_db'


def _share_folder() -> Path:
    try:
        from ament_index_python.packages import PackageNotFoundError, get_package_share_directory
    except ModuleNotFoundError:
        # Without ROS: pip installs data files below the prefix of the environment.
        return Path(sys.prefix) / 'share' / _PACKAGE
    try:
        return Path(get_package_share_directory(_PACKAGE))
    except PackageNotFoundError:
        return Path(sys.prefix) / 'share' / _PACKAGE
