"""The parameters of the manager, as its command line and ROS tools see them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from manager_process import MANAGER, SIMULATED_FLEET
from managers import ManagerStarter, RunningManager
from rcl_interfaces.srv import DescribeParameters, GetParameters, ListParameters
from rclpy.node import Node
from rclpy.parameter import Parameter
from ros_peers import Ros, answer_of

from hos_device_layer import services, topics
from hos_device_layer.parameters import (
    PARAMETERS,
    ParameterError,
    declare_parameters,
    local_gateway_url,
)
from hos_device_layer.testing.simulated_fleet import SimulatedFleet

SERVED = [
    services.CONNECT_DEVICE_SERVICE,
    services.DEVICE_API_CALL_SERVICE,
    services.DEVICE_CONNECTION_INFOS_SERVICE,
]

OUT_OF_RANGE = 'the value is out of range; expected'

WRONG = [
    ('device_timeout_s:=0.01', f'device_timeout_s: {OUT_OF_RANGE} 0.1..86400 (default 20.0)'),
    ('device_timeout_s:=.nan', f'device_timeout_s: {OUT_OF_RANGE} 0.1..86400'),
    ('device_timeout_s:=-1', f'device_timeout_s: {OUT_OF_RANGE} 0.1..86400'),
    ('device_timeout_s:=abc', "device_timeout_s: expected a number, got 'abc'"),
    ('device_timeout_s:=true', 'device_timeout_s: expected a number, got True'),
    ('device_timeout_s:=[1.0]', 'device_timeout_s: expected a number, got [1.0]'),
    ('max_running_tasks:=0', f'max_running_tasks: {OUT_OF_RANGE} 1..1000000'),
    ('disconnect_on_timeout_count:=2.5', ': expected an integer, got 2.5'),
    ('fleet:=[a, b]', "fleet: expected a string, got ['a', 'b']"),
    ('gateway_max_frame_bytes:=4095', f'_bytes: {OUT_OF_RANGE} 4096..16777216 (default 262144)'),
    ('gateway_trusted_proxies:="10.0.0.1/24"', "got '10.0.0.1/24': 10.0.0.1/24 has host bits"),
    ('gateway_trusted_proxies:="::1, proxy"', 'addresses or networks such as 127.0.0.1'),
    ('device_db:=paper', "device_db: expected 'airtable' or 'local', got 'paper'"),
]


@pytest.mark.parametrize(('argument', 'sentence'), WRONG)
def test_a_wrong_parameter_is_refused_with_one_sentence(
    ros: Ros, argument: str, sentence: str
) -> None:
    node = Node(
        'refused',
        cli_args=['--ros-args', '-p', argument],
        use_global_arguments=False,
        context=ros.context,
    )
    with pytest.raises(ParameterError) as refused:
        declare_parameters(node)
    assert sentence in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1
    node.destroy_node()


def test_the_home_folder_may_be_written_as_in_a_shell(
    ros: Ros, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('HOME', str(tmp_path))
    names = [p.name for p in PARAMETERS if p.name.endswith(('_path', '_file', '_folder'))]
    node = Node(
        'homely',
        parameter_overrides=[Parameter(name, value=f'~/{name}') for name in names],
        use_global_arguments=False,
        context=ros.context,
    )
    settings = declare_parameters(node)
    node.destroy_node()
    gateway = settings.gateway
    assert gateway is not None
    read = {
        'device_db_path': settings.device_db_path,
        'handlers_path': settings.handlers_path,
        'state_folder': settings.state_folder,
        'gateway_token_file': gateway.token_file,
        'gateway_certificate_file': gateway.certificate_file,
        'gateway_key_file': gateway.key_file,
    }
    assert read == {name: tmp_path / name for name in names}


def test_a_service_without_a_home_folder_needs_a_state_folder_only(
    ros: Ros, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv('HOME')
    monkeypatch.delenv('XDG_CONFIG_HOME', raising=False)
    monkeypatch.setattr(os.path, 'expanduser', lambda path: path)  # No such user.
    node = Node(
        'homeless',
        parameter_overrides=[Parameter('state_folder', value=str(tmp_path))],
        use_global_arguments=False,
        context=ros.context,
    )
    settings = declare_parameters(node)
    node.destroy_node()
    assert settings.state_folder == tmp_path
    assert settings.gateway is not None and settings.gateway.token_file == tmp_path / 'tokens.json'


@pytest.mark.parametrize(
    ('arguments', 'sentence'),
    [
        (['-p', 'device_timeout_s:=0.01'], f'parameter device_timeout_s: {OUT_OF_RANGE} 0.1'),
        (['--nonsense'], 'invalid ROS arguments: '),
    ],
)
def test_wrong_arguments_end_the_program_with_code_2(
    starter: ManagerStarter, arguments: list[str], sentence: str
) -> None:
    program = starter.program(MANAGER, *arguments)
    assert program.wait() == 2
    (line,) = program.output.splitlines()
    assert line.startswith(f'device_manager: {sentence}')


def test_a_home_folder_that_cannot_be_written_needs_two_other_folders(
    starter: ManagerStarter, tmp_path: Path
) -> None:
    # Nobody can create a folder in /proc.
    environment = {'HOME': '/proc/none', 'ROS_HOME': '', 'ROS_LOG_DIR': '', 'XDG_CONFIG_HOME': ''}
    program = starter.manager(environment=environment)
    assert program.wait() == 2
    assert 'set ROS_LOG_DIR to a folder' in program.output
    assert 'invalid ROS arguments' not in program.output
    environment['ROS_LOG_DIR'] = str(tmp_path / 'log')
    program = starter.manager(environment=environment)
    program.wait_for_output('devices expected')
    program.stop()


def test_a_simulated_fleet_without_a_specification_ends_with_code_2(
    starter: ManagerStarter,
) -> None:
    program = starter.program(SIMULATED_FLEET, device_db_path='/no/such/folder')
    assert program.wait() == 2
    (line,) = program.output.splitlines()
    assert line.startswith('simulated_fleet: there is no local copy')


@pytest.mark.parametrize(
    ('argument', 'sentence'),
    [
        ('ping_period_s:=0', f'ping_period_s: {OUT_OF_RANGE} 0.01..'),
        ('stream_period_s:=abc', "stream_period_s: expected a number, got 'abc'"),
        ('fleet:=mars', "unknown fleet 'mars'"),
    ],
)
def test_the_simulated_fleet_refuses_wrong_parameters_too(
    ros: Ros, argument: str, sentence: str
) -> None:
    with pytest.raises(ParameterError) as refused:
        SimulatedFleet(
            cli_args=['--ros-args', '-p', argument],
            use_global_arguments=False,
            context=ros.context,
        )
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ('values', 'url'),
    [
        ({}, 'ws://127.0.0.1:9091'),
        ({'gateway_port': 9500, 'fleet': 'lab'}, 'ws://127.0.0.1:9500'),
        ({'gateway_address': '0.0.0.0'}, 'ws://127.0.0.1:9091'),
        ({'gateway_address': '::'}, 'ws://[::1]:9091'),
        ({'gateway_address': '10.0.0.7'}, 'ws://10.0.0.7:9091'),
        ({'gateway_certificate_file': 'lab.pem'}, 'wss://127.0.0.1:9091'),
    ],
)
def test_where_a_program_beside_the_manager_finds_its_gateway(
    values: dict[str, object], url: str
) -> None:
    assert local_gateway_url(values) == url


def test_a_time_may_be_given_as_an_integer(manager: RunningManager) -> None:
    # `manager` was started with device_timeout_s:=600.
    value = _ask(manager, GetParameters, names=['device_timeout_s']).values[0]
    assert value.integer_value == 600 or value.double_value == 600.0


def test_every_parameter_is_declared_with_a_description_and_its_range(
    manager: RunningManager,
) -> None:
    names = [parameter.name for parameter in PARAMETERS]
    assert set(names) <= set(_ask(manager, ListParameters).result.names)
    descriptors = _ask(manager, DescribeParameters, names=names).descriptors
    for parameter, descriptor in zip(PARAMETERS, descriptors):
        assert descriptor.name == parameter.name
        assert descriptor.description == parameter.description
        assert descriptor.read_only
        ranges = [*descriptor.floating_point_range, *descriptor.integer_range]
        if not isinstance(parameter.default, str):
            assert [(r.from_value, r.to_value) for r in ranges] == [
                (parameter.low, parameter.high)
            ]


def test_every_name_is_in_the_namespace(manager: RunningManager) -> None:
    node = manager.caller.node
    namespace = node.get_namespace()
    served = dict(node.get_service_names_and_types_by_node('device_manager', namespace))
    published = dict(node.get_publisher_names_and_types_by_node('device_manager', namespace))
    subscribed = dict(node.get_subscriber_names_and_types_by_node('device_manager', namespace))
    for names, expected in (
        (served, SERVED),
        (published, [n for n in _names(topics) if n.endswith(('ed', 'timeout', 'call_result'))]),
        (subscribed, [topics.DEVICE_PING_TOPIC, topics.DEVICE_CMD_RESULT_TOPIC]),
    ):
        assert expected
        assert {f'{namespace}/{name}' for name in expected} <= names.keys()
        assert not any(name.startswith('/haive_os') for name in names)


def _names(module: object) -> list[str]:
    return [value for value in vars(module).values() if str(value).startswith('haive_os/')]


def _ask(manager: RunningManager, service_type, **request: object):
    name = service_type.__name__[0].lower() + service_type.__name__[1:]
    name = ''.join(f'_{c.lower()}' if c.isupper() else c for c in name)
    client = manager.caller.node.create_client(service_type, f'device_manager/{name}')
    assert client.wait_for_service(30)
    answer = answer_of(client.call_async(service_type.Request(**request)))
    manager.caller.node.destroy_client(client)
    return answer
