"""Device managers as processes, and callers and devices that use them over DDS."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from managers import ManagerStarter, RunningManager
from ros_peers import Ros
from sample_fleet import write_sample_fleet


@pytest.fixture(scope='session')
def ros(ros_domain_id: int) -> Iterator[Ros]:
    ros = Ros()
    yield ros
    ros.close()


@pytest.fixture(scope='session')
def device_db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample_fleet(tmp_path_factory.mktemp('device_db'))


@pytest.fixture(scope='session')
def session_starter(
    ros: Ros, device_db: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ManagerStarter]:
    with contextlib.closing(
        ManagerStarter(ros, device_db, tmp_path_factory.mktemp('session'))
    ) as starter:
        yield starter


@pytest.fixture(scope='module')
def module_starter(
    ros: Ros, device_db: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ManagerStarter]:
    with contextlib.closing(
        ManagerStarter(ros, device_db, tmp_path_factory.mktemp('module'))
    ) as starter:
        yield starter


@pytest.fixture
def starter(ros: Ros, device_db: Path, tmp_path: Path) -> Iterator[ManagerStarter]:
    with contextlib.closing(ManagerStarter(ros, device_db, tmp_path)) as starter:
        yield starter


@pytest.fixture(scope='session')
def manager(session_starter: ManagerStarter) -> RunningManager:
    """A manager that nothing times out on while a test runs."""
    return session_starter.start()


@pytest.fixture(scope='session')
def hasty_manager(session_starter: ManagerStarter) -> RunningManager:
    """A manager that soon gives silent devices up, and waits for commands."""
    return session_starter.start(
        device_timeout_s=0.4,
        device_connection_check_interval_s=0.2,
        disconnect_on_timeout_count=2,
    )


# Each of these gives up one thing only: what a test expects to succeed has all the time it needs.


@pytest.fixture(scope='session')
def strict_manager(session_starter: ManagerStarter) -> RunningManager:
    """A manager that soon times silent devices out, but disconnects none."""
    return session_starter.start(device_timeout_s=0.4, disconnect_on_timeout_count=1000)


@pytest.fixture(scope='session')
def accept_timeout_manager(session_starter: ManagerStarter) -> RunningManager:
    """A manager that soon gives up commands that no device accepts."""
    return session_starter.start(command_accept_timeout_s=0.4)


@pytest.fixture(scope='session')
def result_timeout_manager(session_starter: ManagerStarter) -> RunningManager:
    """A manager that soon gives up accepted commands without a result."""
    return session_starter.start(command_result_timeout_s=0.5)
