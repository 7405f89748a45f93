"""Functions of the program that handle commands."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import CodeType
from typing import Any, TypeVar

from .errors import DeviceError
from .message import Task

_Function = TypeVar('_Function', bound=Callable[..., Any])


class Handler:
    """A function that handles one kind of command; gets the task if it has a parameter `task`."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self.is_async = is_async(function)
        # None for a function that is not written in Python.
        self.code: CodeType | None = getattr(inspect.unwrap(function), '__code__', None)
        self._wants_task = 'task' in inspect.signature(function).parameters

    def call(self, task: Task) -> Any:
        """Call the function with arguments by name, or a serialized command as the first one."""
        extra = {'task': task} if self._wants_task else {}
        if isinstance(task.data, str):
            return self._function(task.data, **extra)
        return self._function(**task.data, **extra)


def is_async(function: Callable[..., Any]) -> bool:
    """Return whether calling a function returns a coroutine."""
    call = getattr(function, '__call__', None)  # noqa: B004 (an object with an async __call__)
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)


class CommandHandlers:
    """The handlers, by function name of the specification."""

    def __init__(self) -> None:
        self._handlers: dict[str, Handler] = {}

    def __bool__(self) -> bool:
        return bool(self._handlers)

    def add(self, function_name: str, function: Callable[..., Any]) -> None:
        """Add a handler; raises DeviceError if the function already has one."""
        if function_name in self._handlers:
            raise DeviceError(f'the function {function_name!r} already has a handler')
        self._handlers[function_name] = Handler(function)

    def decorator(self, function_name: str) -> Callable[[_Function], _Function]:
        """Return a decorator that adds a handler."""

        def decorate(function: _Function) -> _Function:
            self.add(function_name, function)
            return function

        return decorate

    def get(self, function_name: str) -> Handler | None:
        """Return the handler of a function, None if it has none."""
        return self._handlers.get(function_name)

    def names(self) -> list[str]:
        """Return the names of the functions that have a handler, sorted."""
        return sorted(self._handlers)


def error_text(error: BaseException) -> str:
    """Return the error text of a handler's exception for the caller; never raises."""
    try:
        text = str(error)
    except Exception:
        text = ''
    return text or type(error).__name__
