"""Device managers as processes, and the callers and devices that talk to them over DDS."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from managers import House, Houses
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
def session_houses(
    ros: Ros, device_db: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Houses]:
    with contextlib.closing(Houses(ros, device_db, tmp_path_factory.mktemp('session'))) as houses:
        yield houses


@pytest.fixture(scope='module')
def module_houses(
    ros: Ros, device_db: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Houses]:
    with contextlib.closing(Houses(ros, device_db, tmp_path_factory.mktemp('module'))) as houses:
        yield houses


@pytest.fixture
def houses(ros: Ros, device_db: Path, tmp_path: Path) -> Iterator[Houses]:
    with contextlib.closing(Houses(ros, device_db, tmp_path)) as houses:
        yield houses


@pytest.fixture(scope='session')
def house(session_houses: Houses) -> House:
    """A manager that nothing times out on while a test runs."""
    return session_houses.house(device_timeout_s=600, command_accept_timeout_s=600)


@pytest.fixture(scope='session')
def hasty_house(session_houses: Houses) -> House:
    """A manager that soon gives silent devices up, and waits for commands."""
    return session_houses.house(
        device_timeout_s=0.4,
        device_connection_check_interval_s=0.2,
        disconnect_on_timeout_count=2,
        command_accept_timeout_s=600,
    )


@pytest.fixture(scope='session')
def strict_house(session_houses: Houses) -> House:
    """A manager that soon gives commands up and soon times devices out, but disconnects none."""
    return session_houses.house(
        device_timeout_s=0.4,
        disconnect_on_timeout_count=1000,
        command_accept_timeout_s=0.4,
        command_result_timeout_s=0.5,
    )
