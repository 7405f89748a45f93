"""Functions of the program that handle commands."""

from __future__ import annotations

from typing import Any

import pytest

from hos_client import DeviceError, Task
from hos_client.handlers import CommandHandlers, Handler, error_text


def task_with(data: Any) -> Task:
    return Task(200, {'protocol_parts': {'metadata': {}, 'data': data}})


def test_typed_arguments_are_passed_by_name() -> None:
    assert Handler(lambda y, x: (x, y)).call(task_with({'x': 1, 'y': 2})) == (1, 2)


def test_a_serialized_command_is_the_first_argument() -> None:
    assert Handler(lambda text: text).call(task_with('A2B3')) == 'A2B3'


@pytest.mark.parametrize('data', [{'x': 1}, '1'])
def test_a_handler_gets_the_task_if_it_has_a_parameter_for_it(data: Any) -> None:
    task = task_with(data)
    assert Handler(lambda x, task: task).call(task) is task


def test_a_function_has_one_handler() -> None:
    handlers = CommandHandlers()
    assert not handlers and handlers.get('stop') is None
    handlers.add('stop', print)
    handlers.add('move', print)
    assert handlers and handlers.names() == ['move', 'stop']
    with pytest.raises(DeviceError, match="'stop' already has a handler"):
        handlers.add('stop', print)


def test_an_exception_without_a_text_is_named() -> None:
    assert error_text(ValueError('door open')) == 'door open'
    assert error_text(ValueError()) == 'ValueError'
