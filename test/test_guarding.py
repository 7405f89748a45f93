from __future__ import annotations

from typing import Any

from hos_device_layer.guarding import guarded


class LoggingNode:
    """A node, as far as a guarded callback uses it."""

    def __init__(self) -> None:
        self.errors: list[str] = []

    def get_logger(self) -> LoggingNode:
        return self

    def error(self, text: str) -> None:
        self.errors.append(text)


def guard(node: LoggingNode, callback: Any) -> Any:
    return guarded(node, callback)  # type: ignore[arg-type]


def test_a_callback_receives_its_arguments() -> None:
    node, calls = LoggingNode(), []
    guard(node, lambda *arguments: calls.append(arguments))(1, 'a')
    assert (calls, node.errors) == ([(1, 'a')], [])


def test_an_exception_is_logged_with_its_traceback_and_not_raised() -> None:
    node = LoggingNode()
    guard(node, lambda: 1 / 0)()
    (error,) = node.errors
    assert error.startswith('Traceback') and 'ZeroDivisionError' in error


def test_a_wrong_number_of_arguments_is_logged() -> None:
    node = LoggingNode()
    guard(node, lambda: None)('too many')
    assert 'TypeError' in node.errors[0]
