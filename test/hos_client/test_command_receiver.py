"""Commands on their way to handlers and to the program."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

import msgspec
import pytest
from gateway_clients import UID, delta, move, new_client, wait_for
from manager_double import WAIT_S, ManagerDouble

from hos_client import Device, Message, Task
from hos_client.command_receiver import CommandReceiver
from hos_device_layer.core.dispatch.commands import Command
from hos_device_layer.core.rosbridge.frames import CallService, ServiceResponse, raw
from hos_device_layer.core.rosbridge.messages import DeviceCommandRequest, TypedField
from hos_device_layer.core.spec.records import Function
from hos_device_layer.links.gateway import Gateway
from hos_device_layer.services import DEVICE_COMMAND_SERVICE


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


def test_a_blocking_handler_delays_no_other(gateway: Gateway, manager: ManagerDouble) -> None:
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


@pytest.fixture
def executor() -> Iterator[Executor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


def receiver_of(executor: Executor, *devices: Device) -> CommandReceiver:
    by_uid = {device.uid: device for device in devices}
    return CommandReceiver(
        by_uid.get, executor, lambda *response: None, lambda task, data: Message(200)
    )


def command_frame(cmd_id: int, *args: TypedField) -> CallService:
    return CallService(
        id=f'call:{cmd_id}',
        service=DEVICE_COMMAND_SERVICE(UID),
        args=raw(DeviceCommandRequest(cmd_id, 'stop', len(args), args)),
    )


def answer_of(response: ServiceResponse) -> tuple[bool, str]:
    answer = msgspec.json.decode(response.values)
    return answer['is_valid'], answer['error']


def test_a_command_becomes_a_task_that_is_closed_once(executor: Executor) -> None:
    receiver = receiver_of(executor, delta())
    waiting = receiver.next_task()
    response = receiver.receive(command_frame(5, TypedField('x', 'float32', '1.5')))
    assert response.id == 'call:5' and answer_of(response) == (True, '')
    task = waiting.result(0)
    assert (task.cmd_id, task.data) == (5, {'x': 1.5})
    assert receiver.close_task(task) and not receiver.close_task(task)


def test_a_repeated_command_id_replaces_the_task(executor: Executor) -> None:
    receiver = receiver_of(executor, delta())
    tasks = []
    receiver.receive_with(lambda task: tasks.append(task) is None)
    for _ in range(2):
        receiver.receive(command_frame(5))
    assert not receiver.close_task(tasks[0])


def test_a_command_for_an_unknown_uid_is_refused(executor: Executor) -> None:
    response = receiver_of(executor).receive(command_frame(1))
    assert answer_of(response) == (False, f'this program has no device with uid {UID}')


def test_a_command_is_refused_while_the_receiver_has_no_room(executor: Executor) -> None:
    receiver = receiver_of(executor, delta())
    receiver.receive_with(lambda task: False)
    is_valid, error = answer_of(receiver.receive(command_frame(1)))
    assert not is_valid and 'H4001 is busy' in error


def test_a_command_with_an_invalid_argument_is_refused(executor: Executor) -> None:
    receiver = receiver_of(executor, delta())
    is_valid, error = answer_of(receiver.receive(command_frame(1, TypedField('x', 'uint8', '-1'))))
    assert not is_valid and error.startswith('x: ')
