"""The unmodified public clients against the gateway: roslibpy (Python), roslib (JavaScript)."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from manager_double import ManagerDouble, described_devices, running_gateway
from project import ROOT

from hos_device_layer.core.dispatch.commands import Command
from hos_device_layer.core.dispatch.effects import ConnectedDevice
from hos_device_layer.core.rosbridge import Role
from hos_device_layer.core.rosbridge.messages import DeviceAPICallResult, DeviceStream
from hos_device_layer.core.spec.field_types import Field, FieldType
from hos_device_layer.core.spec.records import FleetDevice, Function
from hos_device_layer.links.gateway import Gateway, GatewaySettings, TokenFile
from hos_device_layer.topics import DEVICE_API_CALL_RESULT_TOPIC, DEVICE_STREAM_TOPIC

UID = 10758656
PROGRAMS = ROOT / 'test' / 'public_clients'
NODE_FOLDER = ROOT / '.hos' / 'public_clients'

DEVICE = ConnectedDevice(UID, FleetDevice('H4001', UID, 'DeltaHaive', 'lab'), 1.5)
RESULT = DeviceAPICallResult(7, True, '', '{}', 1.0, 2.0)


class Program:
    """A program that prints a line of JSON for each of its steps."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert process.stdout is not None and process.stdin is not None
        self._stdout, self._stdin = process.stdout, process.stdin

    def next(self, step: str) -> dict[str, Any]:
        for line in self._stdout:
            if line.startswith('{'):
                said: dict[str, Any] = json.loads(line)
                if said['step'] == step:
                    return said
        raise AssertionError(f'the program ended before {step!r}')

    def tell(self, what: str) -> None:
        self._stdin.write(what + '\n')
        self._stdin.flush()


@contextmanager
def running(command: list[str], stderr: Any = None) -> Iterator[Program]:
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, text=True
    ) as process:
        try:
            yield Program(process)
        finally:
            process.kill()


@pytest.fixture(scope='session')
def node_modules() -> Path:
    """Install the JavaScript clients once, beside the project's other environments."""
    if shutil.which('npm') is None:
        pytest.fail('the JavaScript clients are tested under node; install nodejs and npm')
    wanted = (PROGRAMS / 'package.json').read_text()
    NODE_FOLDER.mkdir(parents=True, exist_ok=True)
    done = NODE_FOLDER / 'installed.json'
    if not done.exists() or done.read_text() != wanted:
        (NODE_FOLDER / 'package.json').write_text(wanted)
        subprocess.run(
            ['npm', 'install', '--no-package-lock', '--no-audit', '--no-fund', '--silent'],
            cwd=NODE_FOLDER,
            check=True,
            stdin=subprocess.DEVNULL,
            timeout=300,
        )
        done.write_text(wanted)
    return NODE_FOLDER


@pytest.fixture
def gateway_and_manager() -> Iterator[tuple[Gateway, ManagerDouble]]:
    with running_gateway() as pair:
        pair[1].devices = (DEVICE,)
        yield pair


def command(cmd_id: int, function_name: str) -> Command:
    function = Function(function_name, (Field('x', FieldType.STRING),))
    return Command(cmd_id, UID, function, ('5',), None)


def check_session(program: Program, gateway: Gateway, manager: ManagerDouble) -> None:
    """Everything but commands: the same with every client."""
    answer = program.next('connected')
    assert answer['ok'] and answer['values'] == {'success': True, 'error': ''}
    events = {manager.next_event() for _ in range(4)}
    assert events == {
        ('connect', UID),
        ('ping', UID),
        ('sample', UID, 'temperature', 'V21.5'),
        ('api_call', 'H1', 'f', ()),
    }
    (info,) = program.next('infos')['values']['device_infos']
    assert info['device_id'] == 'H4001'
    assert program.next('api_call')['values'] == {'is_valid': True, 'error': '', 'task_id': 7}
    foreign = program.next('foreign')
    assert foreign['ok'] is False and 'not a service of the device layer' in foreign['error']
    program.next('subscribed')
    while not gateway.is_wanted(DEVICE_API_CALL_RESULT_TOPIC):
        described_devices(gateway)  # Waits for its turn on the gateway's thread.
    gateway.publish(DEVICE_API_CALL_RESULT_TOPIC, RESULT)
    assert program.next('heard')['message']['task_id'] == 7
    program.next('unsubscribed')
    while gateway.is_wanted(DEVICE_API_CALL_RESULT_TOPIC):
        described_devices(gateway)


def check_commands(gateway: Gateway, manager: ManagerDouble) -> None:
    """Commands that succeed; the result comes from inside the handler, before the answer."""
    for cmd_id in (1, 2, 3):
        gateway.send(command(cmd_id, 'f'))
        assert manager.next_event() == ('result', UID, cmd_id, True, '', 'V1')
        assert manager.next_event() == ('answered', cmd_id, True, '')


def check_unadvertised(program: Program, gateway: Gateway, manager: ManagerDouble) -> None:
    program.tell('unadvertise')
    assert manager.next_event() == ('closed', UID)
    gateway.send(command(9, 'f'))
    assert manager.next_event()[:3] == ('answered', 9, False)


@pytest.mark.timeout(300)
@pytest.mark.parametrize('package', ['roslib', 'roslib-1'])
def test_roslib(
    package: str, node_modules: Path, gateway_and_manager: tuple[Gateway, ManagerDouble]
) -> None:
    gateway, manager = gateway_and_manager
    script = str(PROGRAMS / 'roslib_device.mjs')
    url = f'ws://127.0.0.1:{gateway.port}'
    with running(['node', script, str(node_modules), package, url]) as program:
        check_session(program, gateway, manager)
        check_commands(gateway, manager)
        gateway.send(command(4, 'refused'))
        assert manager.next_event()[:3] == ('answered', 4, False)
        gateway.send(command(5, 'reasoned'))
        assert manager.next_event() == ('answered', 5, False, 'the door is open')
        check_unadvertised(program, gateway, manager)
        program.tell('close')
        program.next('close')


@pytest.mark.timeout(300)
@pytest.mark.parametrize('package', ['roslib', 'roslib-1'])
def test_roslib_sends_its_token_in_a_frame(
    package: str, node_modules: Path, tmp_path: Path
) -> None:
    tokens = TokenFile(tmp_path / 'tokens.json')
    token = tokens.add('bay 1', Role.DEVICE, (UID,), '')
    settings = GatewaySettings(address='0.0.0.0', port=0, token_file=tokens.path)
    with running_gateway(settings) as (gateway, manager):
        script, url = str(PROGRAMS / 'roslib_device.mjs'), f'ws://127.0.0.1:{gateway.port}'
        with running(['node', script, str(node_modules), package, url, token]) as program:
            assert program.next('connected')['ok']
            assert manager.next_event() == ('connect', UID)


# Also long ones, of which PNG makes a shorter frame.
SAMPLES = [f'V{n}' for n in range(100)] + ['V1.25ä' * n for n in (50, 500, 5_000)]


def check_samples(
    program: Program, gateway: Gateway, compressions: list[str], samples: list[str]
) -> None:
    """Every sample arrives, whatever the compression, from the latched one on."""
    assert heard_samples(program, compressions, 1) == {c: ['V-1'] for c in compressions}
    for compression in compressions:
        topic = DEVICE_STREAM_TOPIC(7, compression)
        for sample in samples:
            gateway.publish(topic, DeviceStream(7, sample))
    heard = heard_samples(program, compressions, len(samples))
    assert heard == dict.fromkeys(compressions, samples)


def heard_samples(program: Program, compressions: list[str], count: int) -> dict[str, list[str]]:
    heard: dict[str, list[str]] = {compression: [] for compression in compressions}
    for _ in range(len(compressions) * count):
        said = program.next('sample')
        assert said['message']['uid'] == 7
        heard[said['compression']].append(said['message']['data'])
    return heard


def publish_latched(gateway: Gateway, compressions: list[str]) -> None:
    for compression in compressions:
        topic = DEVICE_STREAM_TOPIC(7, compression)
        gateway.publish(topic, DeviceStream(7, 'V-1'), is_latched=True)


@pytest.mark.timeout(300)
@pytest.mark.parametrize('package', ['roslib', 'roslib-1'])
def test_roslib_receives_every_sample_in_every_compression(
    package: str, node_modules: Path, gateway_and_manager: tuple[Gateway, ManagerDouble]
) -> None:
    gateway, _ = gateway_and_manager
    compressions = ['none', 'png', 'cbor']
    publish_latched(gateway, compressions)
    script = str(PROGRAMS / 'roslib_listener.mjs')
    url = f'ws://127.0.0.1:{gateway.port}'
    command = ['node', script, str(node_modules), package, url, *compressions]
    with running(command) as program:
        check_samples(program, gateway, compressions, SAMPLES)


def test_roslibpy_receives_samples_of_usual_length_also_with_compression(
    gateway_and_manager: tuple[Gateway, ManagerDouble],
) -> None:
    # Its releases offer png, but cannot read frames of the op png.
    gateway, _ = gateway_and_manager
    compressions = ['none', 'png']
    publish_latched(gateway, compressions)
    script = str(PROGRAMS / 'roslibpy_listener.py')
    command = [sys.executable, script, '127.0.0.1', str(gateway.port), *compressions]
    with running(command) as program:
        check_samples(program, gateway, compressions, SAMPLES[:100])


def test_roslibpy_prints_no_traceback_when_a_call_is_refused(
    gateway_and_manager: tuple[Gateway, ManagerDouble], tmp_path: Path
) -> None:
    gateway, manager = gateway_and_manager
    log = tmp_path / 'stderr'
    with log.open('w') as stderr, running(roslibpy_device(gateway.port), stderr) as program:
        check_session(program, gateway, manager)
        check_unadvertised(program, gateway, manager)
    assert 'Traceback' not in log.read_text() and 'Exception' not in log.read_text()


def roslibpy_device(port: int, *token: str) -> list[str]:
    return [
        sys.executable,
        str(PROGRAMS / 'roslibpy_device.py'),
        '127.0.0.1',
        str(port),
        *token,
    ]


def test_roslibpy(gateway_and_manager: tuple[Gateway, ManagerDouble]) -> None:
    gateway, manager = gateway_and_manager
    with running(roslibpy_device(gateway.port)) as program:
        check_session(program, gateway, manager)
        check_commands(gateway, manager)
        gateway.send(command(4, 'refused'))
        assert manager.next_event() == ('answered', 4, False, 'the door is open')
        gateway.send(command(5, 'false'))
        assert {manager.next_event() for _ in range(2)} == {
            ('result', UID, 5, True, '', 'V1'),
            ('answered', 5, True, ''),
        }
        check_unadvertised(program, gateway, manager)


def test_roslibpy_comes_back_by_itself() -> None:
    with running_gateway() as (gateway, manager):
        manager.devices = (DEVICE,)
        with running(roslibpy_device(gateway.port)) as program:
            check_session(program, gateway, manager)
            gateway.stop()
            settings = GatewaySettings(port=gateway.port)
            with running_gateway(settings) as (successor, its_manager):
                # It advertises again a second after the old connection has closed, and pings
                # again when its program does.
                program.tell('ping')
                assert its_manager.next_event() == ('ping', UID)
                successor.send(command(1, 'f'))
                assert its_manager.next_event() == ('result', UID, 1, True, '', 'V1')
                assert its_manager.next_event() == ('answered', 1, True, '')


def test_roslibpy_sends_its_token_as_a_header(tmp_path: Path) -> None:
    tokens = TokenFile(tmp_path / 'tokens.json')
    token = tokens.add('bay 1', Role.DEVICE, (UID,), '')
    settings = GatewaySettings(address='0.0.0.0', port=0, token_file=tokens.path)
    with (
        running_gateway(settings) as (gateway, manager),
        running(roslibpy_device(gateway.port, token)) as program,
    ):
        assert program.next('connected')['ok']
        assert manager.next_event() == ('connect', UID)
