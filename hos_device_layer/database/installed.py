"""The sample specification that comes with this package."""

from __future__ import annotations

from pathlib import Path


def installed_device_db() -> Path:
    """Return its folder in the source tree, else in the installation."""
    source_tree = Path(__file__).parents[2] / 'device_db'
    if source_tree.is_dir():
        return source_tree
    from ament_index_python.packages import get_package_share_directory

    return Path(get_package_share_directory('hos_device_layer')) / 'device_db'
