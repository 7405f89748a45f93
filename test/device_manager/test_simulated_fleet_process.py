"""The simulated fleet and the manager, as two processes on the sample specification."""

from __future__ import annotations

import json

import pytest
from manager_process import SIMULATED_FLEET, Program
from managers import ManagerStarter, RunningManager
from project import ROOT
from ros_peers import Arguments, Caller

from hos_device_layer.core.dispatch.results import parse_values
from hos_device_layer.core.spec.field_types import Field, FieldType
from hos_device_layer.core.spec.records import Function, Spec
from hos_device_layer.database import LocalCopy

DEVICE_DB = ROOT / 'device_db'
FLEET = 'demo'


@pytest.fixture(scope='module')
def spec() -> Spec:
    return LocalCopy(DEVICE_DB).read()


@pytest.fixture(scope='module')
def sample_manager(module_starter: ManagerStarter) -> RunningManager:
    return module_starter.start(fleet=FLEET, device_db_path=DEVICE_DB, device_timeout_s=2)


@pytest.fixture(scope='module')
def simulated(sample_manager: RunningManager, module_starter: ManagerStarter) -> Program:
    return _simulate(sample_manager, module_starter)


def _simulate(manager: RunningManager, starter: ManagerStarter) -> Program:
    return starter.program(
        SIMULATED_FLEET,
        *('-r', f'__ns:={manager.caller.node.get_namespace()}'),
        fleet=FLEET,
        device_db_path=DEVICE_DB,
        ping_period_s=0.2,
        stream_period_s=0.1,
        shortest_s=0,
        longest_s=0.05,
    )


def _wait_for_all(caller: Caller, spec: Spec) -> None:
    device_ids = list(spec.fleets[FLEET])
    caller.wait_for(lambda: all(caller.state_of(d) == 'connected' for d in device_ids))


def test_every_device_answers_every_function_with_values_of_the_specification(
    sample_manager: RunningManager, simulated: Program, spec: Spec
) -> None:
    caller = sample_manager.caller
    _wait_for_all(caller, spec)
    calls = [
        (device.device_id, function)
        for device in spec.fleets[FLEET].values()
        for function in spec.functions_of(device.device_type)
    ]
    task_ids = [caller.call(d, function.name, _arguments(function)) for d, function in calls]
    for (device_id, function), result in zip(calls, caller.results(task_ids)):
        assert result.success, f'{device_id} {function.name}: {result.error}'
        assert parse_values(result.result_jsons, function.results) == json.loads(
            result.result_jsons
        )


def test_its_samples_fit_the_specification(
    sample_manager: RunningManager, simulated: Program, spec: Spec
) -> None:
    _wait_for_all(sample_manager.caller, spec)
    for _ in range(5):
        sample_manager.caller.wait_for_diagnostics()
    assert 'a sample of' not in sample_manager.program.output


def test_pings_reconnect_devices_after_a_restart_of_the_manager(
    starter: ManagerStarter, spec: Spec
) -> None:
    manager = starter.start(fleet=FLEET, device_db_path=DEVICE_DB)
    _simulate(manager, starter)
    _wait_for_all(manager.caller, spec)
    manager.program.stop()
    again = starter.start(
        fleet=FLEET, device_db_path=DEVICE_DB, namespace=manager.caller.node.get_namespace()
    )
    _wait_for_all(again.caller, spec)
    for device in spec.fleets[FLEET].values():
        assert 'timeout' not in again.caller.events(device.uid or 0)


def _arguments(function: Function) -> Arguments:
    return [(field.name, field.type.value, _value(field)) for field in function.arguments]


def _value(field: Field) -> object:
    if field.type is FieldType.STRING:
        return 'A1'
    return field.type.format(1 if field.low is None else field.low)
