"""The client against the real gateway, over real sockets."""

from __future__ import annotations

import asyncio
import logging
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from manager_double import WAIT_S, ManagerDouble, described_devices, running_gateway

from hos_client import (
    Client,
    ClientError,
    ConfigurationError,
    Device,
    DevicePool,
    Message,
    Task,
    TaskError,
    hash_of,
)
from hos_client.backoff import Backoff
from hos_device_layer.core.dispatch.commands import Command
from hos_device_layer.core.rosbridge import Role
from hos_device_layer.core.spec.field_types import Field, FieldType
from hos_device_layer.core.spec.records import Function
from hos_device_layer.links.gateway import Gateway, GatewaySettings, TokenFile

UID = 13212703
MOVE = Function('delta_arm_move', (Field('x', FieldType.FLOAT32), Field('n', FieldType.UINT8)))


def move(cmd_id: int = 1, uid: int = UID) -> Command:
    return Command(cmd_id, uid, MOVE, ('1.5', '2'), None)


def delta(uid: int | None = UID, name: str = 'H4001') -> Device:
    return Device(name, 'DeltaHaive', 'Delta in bay 1', uid=uid)


def pool(*devices: Device) -> DevicePool:
    result = DevicePool()
    for device in devices or (delta(),):
        result.add(device)
    return result


def new_client(gateway: Gateway, devices: DevicePool | None = None, **options: Any) -> Client:
    options.setdefault('backoff', Backoff(0.02, 0.1))
    options.setdefault('ping_interval_s', 60.0)
    return Client(devices or pool(), f'ws://127.0.0.1:{gateway.port}', **options)


@pytest.fixture
def gateway_and_manager() -> Iterator[tuple[Gateway, ManagerDouble]]:
    with running_gateway() as pair:
        yield pair


@pytest.fixture
def gateway(gateway_and_manager: tuple[Gateway, ManagerDouble]) -> Gateway:
    return gateway_and_manager[0]


@pytest.fixture
def manager(gateway_and_manager: tuple[Gateway, ManagerDouble]) -> ManagerDouble:
    return gateway_and_manager[1]


def wait_for(manager: ManagerDouble, kind: str) -> tuple[Any, ...]:
    while True:
        event = manager.next_event()
        if event[0] == kind:
            return event


def received(client: Client) -> Task:
    task = client.receive(WAIT_S)
    assert isinstance(task, Task)
    return task


def test_receive_and_respond(gateway: Gateway, manager: ManagerDouble) -> None:
    with new_client(gateway) as client:
        assert client.wait_until_connected()
        assert manager.next_event() == ('connect', UID)
        gateway.send(move())
        task = received(client)
        assert task.status == 200 and task.content_type == 'application/json'
        assert task.payload == {
            'device_id': 'H4001',
            'function_name': 'delta_arm_move',
            'protocol_parts': {
                'metadata': {'uid': UID, 'cmd_id': 1},
                'data': {'x': 1.5, 'n': 2},
            },
        }
        assert task.device is not None and task.device.id == 'H4001'
        assert wait_for(manager, 'answered') == ('answered', 1, True, '')
        assert client.response(task, {'x': 1, 'y': 2})
        assert wait_for(manager, 'result') == ('result', UID, 1, True, '', '{"x":1,"y":2}')
        assert client.response(task, {}).status == 409
    assert wait_for(manager, 'closed') == ('closed', UID)


def test_a_result_during_the_greeting_is_delivered(
    gateway: Gateway, manager: ManagerDouble
) -> None:
    """The command comes before the device knows that it is connected."""
    answered = threading.Event()

    def connect_late(uid: int) -> bool:
        # The answer to `connect` waits until the command has been answered.
        if uid == UID:
            gateway.send(move())
        else:
            answered.wait(WAIT_S)
        return True

    manager.known = connect_late
    client = new_client(gateway, pool(delta(), delta(7, 'D7')))

    @client.command('delta_arm_move')
    def handle(x: float, n: int) -> None:
        threading.Timer(0.1, answered.set).start()

    with client:
        assert wait_for(manager, 'result') == ('result', UID, 1, True, '', '{}')


def test_serialized_commands_and_failures(gateway: Gateway, manager: ManagerDouble) -> None:
    with new_client(gateway) as client:
        assert client.wait_until_connected()
        gateway.send(Command(5, UID, Function('home'), (), 'A2B3'))
        task = received(client)
        assert task.data == 'A2B3' and task.content_type == 'text/plain'
        assert client.response(task, metadata={'error': 'door open'})
        assert wait_for(manager, 'result') == ('result', UID, 5, False, 'door open', '')


def test_a_timeout_is_a_result_too(gateway: Gateway) -> None:
    with new_client(gateway) as client:
        message = client.receive(timeout=0.01)
        assert not message and message.status == 408
        with pytest.raises(TaskError):
            client.response(message, {})


def test_async_for(gateway: Gateway, manager: ManagerDouble) -> None:
    async def take_two(client: Client) -> list[int]:
        ids: list[int] = []
        async for task in client:
            ids.append(task.cmd_id)
            await asyncio.wrap_future(client.response(task, {}, block=False))
            if len(ids) == 2:
                break
        return ids

    with new_client(gateway) as client:
        assert client.wait_until_connected()
        gateway.send(move(1))
        gateway.send(move(2))
        assert asyncio.run(asyncio.wait_for(take_two(client), WAIT_S)) == [1, 2]


def test_handlers(gateway: Gateway, manager: ManagerDouble) -> None:
    client = new_client(gateway)

    @client.command('delta_arm_move')
    def plain(task: Task, x: float, n: int) -> dict[str, Any]:
        assert threading.current_thread() is not threading.main_thread()
        task.progress([x])
        return {'sum': x + n}

    @client.command('stop')
    async def coroutine() -> str:
        await asyncio.sleep(0)
        return 'V1'

    @client.command('fail')
    def failing() -> None:
        raise RuntimeError('the door is open')

    @client.command('home')
    def serialized(text: str) -> tuple[str, int]:
        return text, 3

    with client:
        assert client.wait_until_connected()
        wait_for(manager, 'connect')
        gateway.send(move(1))
        assert wait_for(manager, 'sample') == ('sample', UID, 'progress', 'V1.5')
        assert wait_for(manager, 'result') == ('result', UID, 1, True, '', '{"sum":3.5}')
        gateway.send(Command(2, UID, Function('stop'), (), None))
        assert wait_for(manager, 'result') == ('result', UID, 2, True, '', 'V1')
        gateway.send(Command(3, UID, Function('fail'), (), None))
        assert wait_for(manager, 'result') == ('result', UID, 3, False, 'the door is open', '')
        gateway.send(Command(4, UID, Function('home'), (), 'A1'))
        assert wait_for(manager, 'result') == ('result', UID, 4, True, '', 'VA1V3')
        gateway.send(Command(5, UID, Function('unknown'), (), None))
        answer = wait_for(manager, 'answered')
        while answer[1] != 5:
            answer = wait_for(manager, 'answered')
        assert answer[2] is False and 'it handles: delta_arm_move, fail' in answer[3]


def test_a_handler_that_blocks_holds_up_no_other(gateway: Gateway, manager: ManagerDouble) -> None:
    client = new_client(gateway)
    release = threading.Event()

    @client.command('delta_arm_move')
    def block(x: float, n: int) -> None:
        release.wait(WAIT_S)

    @client.command('stop')
    def stop() -> None:
        release.set()

    with client:
        assert client.wait_until_connected()
        gateway.send(move(1))
        gateway.send(Command(2, UID, Function('stop'), (), None))
        assert {wait_for(manager, 'result')[2] for _ in range(2)} == {1, 2}


def test_events_are_stream_samples(gateway: Gateway, manager: ManagerDouble) -> None:
    with new_client(gateway) as client:
        assert client.wait_until_connected()
        assert client.event('H4001', 'temperature', {'celsius': 21.5})
        assert wait_for(manager, 'sample') == (
            'sample',
            UID,
            'temperature',
            '{"celsius":21.5}',
        )


def test_futures_and_callbacks(
    gateway: Gateway, manager: ManagerDouble, caplog: pytest.LogCaptureFixture
) -> None:
    answers: queue.Queue[Message] = queue.Queue()

    def raising(message: Message) -> None:
        answers.put(message)
        raise RuntimeError('in a callback')

    with new_client(gateway) as client:
        assert client.wait_until_connected()
        future = client.event('H4001', 's', 'V1', callback=raising, block=False)
        assert future.result(WAIT_S)
        assert answers.get(timeout=WAIT_S).status == 200
        assert client.event('H4001', 's', 'V1', callback=answers.put)
        assert answers.get(timeout=WAIT_S).status == 200
    assert 'in a callback' in caplog.text


def test_blocking_in_a_coroutine_is_an_error(gateway: Gateway, manager: ManagerDouble) -> None:
    client = new_client(gateway)

    @client.command('stop')
    async def stop(task: Task) -> None:
        client.event('H4001', 's', 'V1')

    with client:
        assert client.wait_until_connected()
        gateway.send(Command(1, UID, Function('stop'), (), None))
        result = wait_for(manager, 'result')
        assert result[3] is False and 'block=False' in result[4]


def test_managing_devices(gateway: Gateway, manager: ManagerDouble) -> None:
    with new_client(gateway) as client:
        assert client.wait_until_connected()
        wait_for(manager, 'connect')
        fan = Device('F1', 'Fan', 'fan', uid=7)
        assert client.add(fan)
        assert wait_for(manager, 'connect') == ('connect', 7)
        assert known_names(gateway) == ['Delta in bay 1', 'fan']
        fan.name = 'great fan'
        assert client.update(fan)
        assert known_names(gateway) == ['Delta in bay 1', 'great fan']
        assert client.disconnect(fan)
        assert wait_for(manager, 'closed') == ('closed', 7)
        assert known_names(gateway) == ['Delta in bay 1', 'great fan']
        gateway.send(move(1, 7))
        assert wait_for(manager, 'answered')[:3] == ('answered', 1, False)
        assert client.delete('F1')
        assert known_names(gateway) == ['Delta in bay 1']


def known_names(gateway: Gateway) -> list[str]:
    return sorted(device.name for device in described_devices(gateway))


def test_a_refusal_comes_back(gateway: Gateway, manager: ManagerDouble) -> None:
    manager.known = lambda uid: uid == UID
    devices = pool()
    with new_client(gateway, devices) as client:
        assert client.wait_until_connected()
        answer = client.add(Device('F1', 'Fan', 'fan', uid=7))
        assert answer.status == 409 and 'not in the fleet' in answer.payload
        assert client.add(Device('F2', 'Fan', 'fan')).status == 422
        assert [d.id for d in devices.devices()] == ['H4001', 'F1', 'F2']


def test_without_a_gateway_local_changes_happen() -> None:
    devices = pool()
    with Client(devices, 'ws://127.0.0.1:1', backoff=Backoff(60, 60)) as client:
        assert client.add(Device('F1', 'Fan', 'fan', uid=7), timeout=0.01).status == 408
        assert client.delete('H4001', timeout=0.01).status == 408
        assert [d.id for d in devices.devices()] == ['F1']
        assert not client.wait_until_connected(0.01)


def test_only_what_differs_is_described(gateway: Gateway, manager: ManagerDouble) -> None:
    devices = pool(*(delta(n, f'D{n}') for n in range(250)))
    with new_client(gateway, devices, name='bay') as client:
        assert client.wait_until_connected()
    known = described_devices(gateway)
    assert {device.uid for device in known} == set(range(250))
    changed = devices.get('D7')
    changed.name = 'new'
    devices.remove('D8')
    with new_client(gateway, devices, name='bay') as client:
        assert client.wait_until_connected()
    now = {device.id: device for device in described_devices(gateway)}
    assert now['D7'].name == 'new' and 'D8' not in now and len(now) == 249
    # Those that had not changed were not sent again: they are still the same objects.
    before = {device.id: device for device in known}
    assert all(now[i] is before[i] for i in now if i != 'D7')
    assert hash_of(devices.devices()) != hash_of([])


def test_results_are_delivered_after_a_reconnect(caplog: pytest.LogCaptureFixture) -> None:
    downs, ups = threading.Event(), threading.Semaphore(0)
    with running_gateway() as (gateway, _):
        client = new_client(gateway, on_connect=ups.release, on_disconnect=downs.set)
        with client:
            assert ups.acquire(timeout=WAIT_S)
            for cmd_id in range(3):
                gateway.send(move(cmd_id))
            tasks = [received(client) for _ in range(3)]
            gateway.stop()
            assert downs.wait(WAIT_S) and not client.is_connected
            late = [client.response(task, {'n': task.cmd_id}, block=False) for task in tasks]
            settings = GatewaySettings(port=gateway.port)
            with running_gateway(settings) as (_, successor):
                assert ups.acquire(timeout=WAIT_S)
                assert all(future.result(WAIT_S) for future in late)
                results = [wait_for(successor, 'result') for _ in range(3)]
                assert [(result[2], result[5]) for result in results] == [
                    (n, f'{{"n":{n}}}') for n in range(3)
                ]


def test_pings(gateway: Gateway, manager: ManagerDouble) -> None:
    with new_client(gateway, pool(delta(1, 'A'), delta(2, 'B')), ping_interval_s=0.05):
        pinged = {wait_for(manager, 'ping')[1] for _ in range(4)}
        assert pinged == {1, 2}


def test_tokens(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tokens = TokenFile(tmp_path / 'tokens.json')
    token = tokens.add('bay', Role.DEVICE, (UID,), '')
    settings = GatewaySettings(address='0.0.0.0', port=0, token_file=tokens.path)
    with running_gateway(settings) as (gateway, manager):
        with new_client(gateway, token=token) as client:
            assert client.wait_until_connected()
            assert manager.next_event() == ('connect', UID)
        refused = threading.Event()
        handler = _OnMessage('refused the connection with status 401', refused.set)
        logging.getLogger('hos_client').addHandler(handler)
        try:
            with new_client(gateway, token='hos_wrong'):
                assert refused.wait(WAIT_S)
        finally:
            logging.getLogger('hos_client').removeHandler(handler)
    assert 'hos_wrong' not in caplog.text and token not in caplog.text


class _OnMessage(logging.Handler):
    def __init__(self, text: str, action: Callable[[], object]) -> None:
        super().__init__()
        self._text = text
        self._action = action

    def emit(self, record: logging.LogRecord) -> None:
        if self._text in record.getMessage():
            self._action()


def test_a_thousand_devices_on_one_socket(gateway: Gateway, manager: ManagerDouble) -> None:
    devices = pool(*(delta(n, f'D{n}') for n in range(1000)))
    with new_client(gateway, devices) as client:
        assert client.wait_until_connected()
        assert {wait_for(manager, 'connect')[1] for _ in range(1000)} == set(range(1000))
        for n in range(1000):
            gateway.send(move(n, n))
        tasks = [received(client) for _ in range(1000)]
        for task in tasks:
            client.response(task, {}, block=False)
        assert {wait_for(manager, 'result')[2] for _ in range(1000)} == set(range(1000))


def test_a_killed_client_is_noticed_at_once(gateway: Gateway, manager: ManagerDouble) -> None:
    command = [sys.executable, '-m', 'hos_client', '--url', f'ws://127.0.0.1:{gateway.port}']
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as program:
        try:
            assert wait_for(manager, 'connect') == ('connect', UID)
            gateway.send(move(1))
            assert wait_for(manager, 'result')[:4] == ('result', UID, 1, True)
        finally:
            os.kill(program.pid, signal.SIGKILL)
        assert wait_for(manager, 'closed') == ('closed', UID)


def test_the_demo_ends_with_ctrl_c(gateway: Gateway, manager: ManagerDouble) -> None:
    command = [sys.executable, '-m', 'hos_client', '--url', f'ws://127.0.0.1:{gateway.port}']
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as program:
        wait_for(manager, 'connect')
        program.send_signal(signal.SIGINT)
        _, errors = program.communicate(timeout=WAIT_S)
    assert program.returncode == 0 and 'Traceback' not in errors


def test_stopping_at_any_moment(gateway: Gateway, manager: ManagerDouble) -> None:
    """A stop that meets the end of the greeting ends the client all the same."""
    for _ in range(30):
        client = new_client(gateway)
        client.start()
        wait_for(manager, 'connect')
        client.stop()
        assert not any(thread.name == 'hos_client' for thread in threading.enumerate())


def test_mistakes_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match='ws://'):
        Client(pool(), 'http://x')
    with pytest.raises(ConfigurationError, match='ca_file'):
        Client(pool(), 'wss://x', ca_file=str(tmp_path / 'none.pem'))
    client = Client(pool(), 'ws://127.0.0.1:1')
    with pytest.raises(ClientError, match='not running'):
        client.event('H4001', 's', 'V1')
    client.stop()
