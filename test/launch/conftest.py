"""Launch files are executed from an installed copy, where `launch` is installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest
from installed_copy import InstalledCopy
from launches import Launches

from hos_device_layer.testing.ros_domain import reserved_ros_domain

# `launch` alone is also the name of this project's folder of launch files.
HAS_LAUNCH = importlib.util.find_spec('launch_ros') is not None
NO_LAUNCH = (
    'launch files are NOT executed here: launch and launch_ros are not installed. They come with '
    'a ROS 2 installation and are in no package registry.'
)


@pytest.fixture(scope='session')
def copy(tmp_path_factory: pytest.TempPathFactory) -> InstalledCopy:
    return InstalledCopy(tmp_path_factory.mktemp('installed'))


@pytest.fixture
def launches(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Launches]:
    if not HAS_LAUNCH:
        pytest.skip(NO_LAUNCH)
    copy: InstalledCopy = request.getfixturevalue('copy')
    with reserved_ros_domain() as domain_id:
        yield Launches(copy, tmp_path, domain_id)
