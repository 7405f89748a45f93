"""Functions of the program that carry out commands."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from .errors import DeviceError
from .message import Task


class Handler:
    """A function for one kind of command; gets the task if it has a parameter of this name."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self.is_async = inspect.iscoroutinefunction(function)
        self._wants_task = 'task' in inspect.signature(function).parameters

    def start(self, task: Task) -> Any | Awaitable[Any]:
        """Call the function: typed arguments by name, a serialized command as its first."""
        extra = {'task': task} if self._wants_task else {}
        if isinstance(task.data, str):
            return self._function(task.data, **extra)
        return self._function(**task.data, **extra)


class CommandHandlers:
    """The handlers by the name of their function in the specification."""

    def __init__(self) -> None:
        self._handlers: dict[str, Handler] = {}

    def __bool__(self) -> bool:
        return bool(self._handlers)

    def add(self, function_name: str, function: Callable[..., Any]) -> None:
        """Add a handler; raises DeviceError if the function has one."""
        if function_name in self._handlers:
            raise DeviceError(f'the function {function_name!r} has a handler already')
        self._handlers[function_name] = Handler(function)

    def get(self, function_name: str) -> Handler | None:
        """Return the handler of a function."""
        return self._handlers.get(function_name)

    def names(self) -> list[str]:
        """Return the functions that have a handler, sorted."""
        return sorted(self._handlers)


def error_text(error: BaseException) -> str:
    """Return what the caller is told about a handler that raised."""
    return str(error) or type(error).__name__
