"""Commands on their way to handlers and to the program."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from gateway_clients import UID, delta, logging_of, move, new_client, wait_for
from manager_double import WAIT_S, ManagerDouble

from hos_client import Device, Message, Task
from hos_client.command_receiver import CommandReceiver, Receive, Respond
from hos_client.handler_threads import HandlerThreads
from hos_client.wire import result
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


def receiver_of(
    *devices: Device, receive: Receive = lambda task: True, respond: Respond = lambda *_: None
) -> CommandReceiver:
    by_uid = {device.uid: device for device in devices}
    return CommandReceiver(
        by_uid.get, HandlerThreads(), receive, respond, lambda task, data: Message(200)
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


def test_a_command_becomes_a_task_that_is_closed_once() -> None:
    tasks: list[Task] = []
    receiver = receiver_of(delta(), receive=lambda task: tasks.append(task) is None)
    response = receiver.receive(command_frame(5, TypedField('x', 'float32', '1.5')))
    assert response.id == 'call:5' and answer_of(response) == (True, '')
    (task,) = tasks
    assert (task.cmd_id, task.data) == (5, {'x': 1.5})
    assert receiver.close_task(task) and not receiver.close_task(task)


def test_a_repeated_command_id_replaces_the_task() -> None:
    tasks: list[Task] = []
    receiver = receiver_of(delta())
    receiver.receive_with(lambda task: tasks.append(task) is None)
    for _ in range(2):
        receiver.receive(command_frame(5))
    assert not receiver.close_task(tasks[0]) and receiver.close_task(tasks[1])


def test_a_command_for_an_unknown_uid_is_refused() -> None:
    response = receiver_of().receive(command_frame(1))
    assert answer_of(response) == (False, f'this program has no device with uid {UID}')


def raising(_: Task) -> bool:
    raise SystemExit('in a receiver')


@pytest.mark.parametrize('receive', [lambda task: False, raising])
def test_a_command_that_the_receiver_does_not_take_is_refused(receive: Receive) -> None:
    is_valid, error = answer_of(receiver_of(delta(), receive=receive).receive(command_frame(1)))
    assert not is_valid and 'H4001 is busy' in error


def test_a_command_with_an_invalid_argument_is_refused() -> None:
    receiver = receiver_of(delta())
    is_valid, error = answer_of(receiver.receive(command_frame(1, TypedField('x', 'uint8', '-1'))))
    assert not is_valid and error.startswith('x: ')


def cancelled() -> None:
    raise asyncio.CancelledError


async def cancelled_async() -> None:
    asyncio.current_task().cancel()  # type: ignore[union-attr]
    await asyncio.sleep(0)


async def cancelled_inside() -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.cancel()
    await future


async def exiting_async() -> None:
    sys.exit('bye')


def interrupted() -> None:
    raise KeyboardInterrupt


async def interrupted_async() -> None:
    raise KeyboardInterrupt


async def closed_async() -> None:
    raise GeneratorExit


async def wrong_async(surprise: int) -> None:
    pass


class AsyncObject:
    async def __call__(self) -> None:
        raise RuntimeError('an object with an async __call__')


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError('in __str__')


def unprintable() -> None:
    raise UnprintableError


def surrogate() -> None:
    raise RuntimeError('in file \ud800')


@pytest.mark.parametrize(
    ('handler', 'error'),
    [
        (cancelled, 'cancelled'),
        (cancelled_async, 'cancelled'),
        (cancelled_inside, 'cancelled'),
        (lambda: sys.exit('bye'), 'bye'),
        (exiting_async, 'bye'),
        (lambda: 1 / 0, 'division by zero'),
        (lambda: object(), 'cannot send these values'),
        (lambda: next(iter(())), 'StopIteration'),
        (interrupted, 'KeyboardInterrupt'),
        (interrupted_async, 'KeyboardInterrupt'),
        (closed_async, 'GeneratorExit'),
        (lambda surprise: None, "missing 1 required positional argument: 'surprise'"),
        (wrong_async, "missing 1 required positional argument: 'surprise'"),
        (AsyncObject(), 'an object with an async __call__'),
        (unprintable, 'UnprintableError'),
        (lambda: '\ud800', 'cannot send this text'),
        (surrogate, 'in file ?'),
    ],
)
def test_whatever_a_handler_raises_its_task_fails_and_the_next_one_runs(
    handler: Callable[[], Any], error: str
) -> None:
    async def scenario() -> list[tuple[int, Any, str | None]]:
        responses: asyncio.Queue[tuple[int, Any, str | None]] = asyncio.Queue()

        def respond(task: Task, data: Any, error: str | None) -> None:
            # As the client does, which raises ValueMismatchError.
            message = msgspec.json.decode(result(task.uid, task.cmd_id, error, data).message)
            responses.put_nowait((task.cmd_id, data, message['error']))

        receiver = receiver_of(delta(), respond=respond)
        receiver.handlers.add('stop', handler)
        for cmd_id in (1, 2):
            assert answer_of(receiver.receive(command_frame(cmd_id))) == (True, '')
        return sorted([await asyncio.wait_for(responses.get(), WAIT_S) for _ in range(2)])

    outcomes: list[list[tuple[int, Any, str | None]]] = []
    # As in a client: not on the main thread, where KeyboardInterrupt may be Ctrl-C.
    thread = threading.Thread(target=lambda: outcomes.append(asyncio.run(scenario())))
    thread.start()
    thread.join(WAIT_S)
    ((first, second),) = outcomes
    assert first[0] == 1 and second[0] == 2
    assert all(error in str(response[2]) for response in (first, second))


def test_a_stop_is_not_stuck_behind_slow_handlers() -> None:
    release = threading.Event()

    async def scenario() -> None:
        done = asyncio.Event()
        receiver = receiver_of(delta(), respond=lambda *_: done.set())
        receiver.handlers.add('move', lambda: release.wait(WAIT_S))
        receiver.handlers.add('stop', lambda: None)
        move = CallService(
            service=DEVICE_COMMAND_SERVICE(UID), args=raw(DeviceCommandRequest(0, 'move', 0, ()))
        )
        for _ in range(100):
            assert answer_of(receiver.receive(move)) == (True, '')
        receiver.receive(command_frame(1))
        await asyncio.wait_for(done.wait(), WAIT_S)
        assert not release.is_set()
        release.set()

    asyncio.run(scenario())


def test_a_handler_that_blocks_the_event_loop_is_named() -> None:
    with logging_of("the handler of 'stop' has blocked the event loop") as named:

        async def scenario() -> None:
            done = asyncio.Event()
            receiver = receiver_of(delta(), respond=lambda *_: done.set())

            async def stop() -> None:
                # Reported while it blocks, not afterwards.
                assert named.wait(WAIT_S)

            receiver.handlers.add('stop', stop)
            receiver.receive(command_frame(1))
            await asyncio.wait_for(done.wait(), WAIT_S)

        asyncio.run(scenario())


def test_tasks_without_a_response_fail_when_the_client_stops() -> None:
    async def scenario() -> list[tuple[int, Any, str | None]]:
        responses: list[tuple[int, Any, str | None]] = []

        def respond(task: Task, data: Any, error: str | None) -> None:
            if receiver.close_task(task):
                responses.append((task.cmd_id, data, error))

        receiver = receiver_of(delta(), respond=respond)

        async def stop() -> None:
            await asyncio.Event().wait()

        receiver.handlers.add('stop', stop)
        for cmd_id in (1, 2):
            receiver.receive(command_frame(cmd_id))
        await asyncio.sleep(0)
        receiver.close_all('stopped')
        while receiver._running:
            await asyncio.sleep(0)
        return responses

    assert asyncio.run(scenario()) == [(1, None, 'stopped'), (2, None, 'stopped')]


def test_no_command_is_accepted_after_the_stop() -> None:
    calls: list[Task] = []
    receiver = receiver_of(delta(), receive=lambda task: calls.append(task) is None)
    receiver.handlers.add('stop', lambda: calls.append)

    async def scenario() -> tuple[bool, str]:
        receiver.close_all('stopped')
        return answer_of(receiver.receive(command_frame(1)))

    assert asyncio.run(scenario()) == (False, 'stopped')
    assert calls == []


def test_a_system_without_threads_refuses_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    receiver = receiver_of(delta())
    receiver.handlers.add('stop', lambda: None)
    monkeypatch.setattr(threading.Thread, 'start', start)
    is_valid, error = answer_of(receiver.receive(command_frame(1)))
    assert not is_valid and 'H4001 is busy' in error
