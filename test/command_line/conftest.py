"""The `hos` command, and a running fleet for the commands that need one."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hos_command import TIMEOUT_S, HosCommand, RunningCommand
from project import SAMPLE_DB

from hos_device_layer.testing.ros_domain import reserved_ros_domain

UIDLESS_ROW = '\n- device_id: N0001\n  device_type: DeltaHaive\n'

# Functions that the sample of an installation does not have: two are sound, one is rejected.
ADDED_ROWS = """
- function_name: balance_spin
  device_types: [Balance]
  arguments: ['turns:int31']
- function_name: balance_wait
  device_types: [Balance]
  results: ['waited:float32 [s]', 'name:string']
- function_name: balance_warm
  device_types: [Balance]
  results: ['temperature:float32 [°C]']
"""


@pytest.fixture(scope='session')
def hos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HosCommand]:
    """The command with a home folder and a ROS domain that other tests do not use."""
    with reserved_ros_domain() as domain_id:
        yield HosCommand(tmp_path_factory.mktemp('home'), ROS_DOMAIN_ID=str(domain_id))


@pytest.fixture
def elsewhere(hos: HosCommand) -> Iterator[HosCommand]:
    """The command in a ROS domain without a device manager."""
    with reserved_ros_domain() as domain_id:
        yield hos.with_environment(ROS_DOMAIN_ID=str(domain_id))


@pytest.fixture(scope='session')
def device_db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample specification with a device that has no uid yet, and functions of its own."""
    folder = shutil.copytree(SAMPLE_DB, tmp_path_factory.mktemp('spec') / 'device_db')
    fleet = folder / 'fleet-demo.yaml'
    fleet.write_text(fleet.read_text() + UIDLESS_ROW)
    apis = folder / 'apis.yaml'
    apis.write_text(apis.read_text() + ADDED_ROWS)
    return folder


@pytest.fixture(scope='module')
def fleet(hos: HosCommand, device_db: Path) -> Iterator[RunningCommand]:
    """`hos up` with a real device manager and simulated devices, all of them connected."""
    # Any free port: other tests run `hos up` at the same time.
    options = ('--simulate', '--no-host', '--gateway-port', 0)
    with hos.running('up', '--device-db', device_db, *options) as up:
        deadline = time.monotonic() + TIMEOUT_S
        while not _all_connected(hos):
            assert time.monotonic() < deadline, up.output
        yield up


def _all_connected(hos: HosCommand) -> bool:
    listed = hos.run('devices', '--json')
    if listed.code:
        return False
    devices = json.loads(listed.out)
    return len(devices) > 1 and all(
        device['state'] == 'connected' for device in devices if device['device_uid']
    )
