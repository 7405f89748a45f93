"""Device managers as processes, and the callers and devices that talk to them over DDS."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from manager_process import MANAGER, Program
from ros_peers import Behaviour, Caller, Device, DeviceSide, Ros, numbered
from sample_fleet import FLEET, DevicePool, FleetDevice, write_sample_fleet

_NAMES = numbered('/manager')


@pytest.fixture(scope='session')
def ros(ros_domain_id: int) -> Iterator[Ros]:
    ros = Ros()
    yield ros
    ros.close()


@pytest.fixture(scope='session')
def device_db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample_fleet(tmp_path_factory.mktemp('device_db'))


class House(NamedTuple):
    """A running manager with both sides that talk to it, in a namespace of its own."""

    program: Program
    caller: Caller
    side: DeviceSide
    pool: DevicePool

    def device(self, row: FleetDevice, behaviour: Behaviour | None = None) -> Device:
        return Device(self.side, row, behaviour).connect()

    def bench(self, behaviour: Behaviour | None = None) -> Device:
        """Return a connected device that takes typed commands and was never used before."""
        return self.device(next(self.pool.benches), behaviour)

    def arm(self, behaviour: Behaviour | None = None) -> Device:
        """Return a connected device that takes serialized commands."""
        return self.device(next(self.pool.arms), behaviour)


class Houses:
    """Starts managers, and tears down what it started when it is closed."""

    def __init__(self, ros: Ros, device_db: Path, folder: Path) -> None:
        self._ros = ros
        self._device_db = device_db
        self._folder = folder
        self._exit = contextlib.ExitStack()

    def program(self, module: str, *ros_arguments: str, **parameters: Any) -> Program:
        program = Program(module, *ros_arguments, **parameters)
        self._exit.callback(program.end)
        return program

    def manager(self, *ros_arguments: str, **parameters: Any) -> Program:
        settings = {
            'fleet': FLEET,
            'device_db_path': self._device_db,
            'diagnostics_period_s': 0.1,
            'state_folder': self._folder / 'state',
            **parameters,
        }
        return self.program(MANAGER, *ros_arguments, **settings)

    def house(self, namespace: str = '', **parameters: Any) -> House:
        namespace = namespace or next(_NAMES)
        program = self.manager(
            *('-r', f'__ns:={namespace}', '-r', f'/diagnostics:={namespace}/diagnostics'),
            **parameters,
        )
        program.wait_for_output('devices expected')
        side, caller = DeviceSide(self._ros, namespace), Caller(self._ros, namespace)
        return House(program, caller, side, DevicePool())

    def close(self) -> None:
        self._exit.close()


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
