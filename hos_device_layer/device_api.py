"""
Call functions of devices from a ROS node; `gen/hos_device_api.py` has a typed function for each.

Calls make progress while the node is spun, by any executor. Nothing here blocks.
"""

from __future__ import annotations

import numbers
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, ClassVar, Generic, TypeVar

import msgspec
from hos_interfaces.msg import TypedField
from rclpy.client import Client
from rclpy.exceptions import InvalidHandle
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.task import Future

from .core.errors import (
    CallFailedError,
    CallPendingError,
    CallTimeoutError,
    ValueMismatchError,
)
from .core.spec.field_types import Field, FieldType, Value
from .core.text import shortened
from .device_api_client import PendingCall, client_of
from .device_api_client.coroutines import protect, running_task

__all__ = [
    'CallFailedError',
    'CallPendingError',
    'CallTimeoutError',
    'DeviceAPICallInfo',
    'DeviceResult',
    'ValueMismatchError',
    'call_device',
    'call_with_fields',
    'no_values',
    'prepare_calls',
    'value_dict',
]

R = TypeVar('R')
S = TypeVar('S', bound='DeviceResult')


@dataclass(frozen=True, eq=False)
class DeviceAPICallInfo(Generic[R]):
    """
    A call that has been started, and the futures of its answer and its result.

    Both futures always complete. `future` holds the manager's answer, a `DeviceAPICall.Response`;
    `result` holds the only `DeviceAPICallResult` of the call. If the call is refused or lost, its
    `success` is False and `error` says why. `parse` returns the typed result, and so does `await`,
    in coroutines of all rclpy executors and of asyncio. Exceptions in done callbacks are logged.
    """

    call_time: float  # [s] since the epoch
    future: Future
    client: Client  # shared by all calls of the node
    result: Future
    device_id: str
    function_name: str
    _parse: Callable[[str], R] = field(repr=False)
    _wait: Callable[[float | None], bool] = field(repr=False)

    def parse(self) -> R:
        """
        Return the typed result.

        Raises CallFailedError with the reason if the call failed, CallPendingError if it has no
        result yet, and ValueMismatchError if the result does not fit the generated code.
        """
        call = f'{self.function_name!r} of {self.device_id!r}'
        if self.result.cancelled():
            raise CallFailedError(
                f'{call}: its result was cancelled; the device may have executed the call',
                self.device_id,
                self.function_name,
                0,
            )
        if not self.result.done():
            raise CallPendingError(f'{call} has no result yet; spin the node until it is done')
        message = self.result.result()
        if not message.success:
            raise CallFailedError(
                f'{call}: {message.error}', self.device_id, self.function_name, message.task_id
            )
        return self._parse(message.result_jsons)

    def wait(self, timeout_s: float | None = None) -> R:
        """
        Block this thread until the call has ended, and return the typed result.

        Another thread must spin the node. Raises as `parse` does; CallTimeoutError if there is no
        result after `timeout_s`, though the call goes on; and CallPendingError if no other thread
        spins the node, or the one that did has ended.
        """
        if not self._wait(timeout_s):
            raise CallTimeoutError(
                f'{self.function_name!r} of {self.device_id!r}: no result within {timeout_s:g} s; '
                'the call goes on'
            )
        return self.parse()

    def __await__(self) -> Generator[Any, None, R]:
        yield from self.result.__await__()
        return self.parse()


class DeviceResult(msgspec.Struct, frozen=True):
    """The base of the generated result types."""

    # Names that are not valid in Python: (name in the specification, name of the attribute).
    _names: ClassVar[tuple[tuple[str, str], ...]] = ()

    @classmethod
    def parse(cls: type[S], result_jsons: str) -> S:
        """Read a successful `DeviceAPICallResult.result_jsons`; raises ValueMismatchError."""
        try:
            if not cls._names:
                return msgspec.json.decode(result_jsons, type=cls)
            names = dict(cls._names)
            values = msgspec.json.decode(result_jsons, type=dict[str, Value])
            return msgspec.convert({names.get(n, n): v for n, v in values.items()}, cls)
        except (msgspec.DecodeError, UnicodeError) as error:
            raise ValueMismatchError(
                f'result: expected {cls.__name__}, got {shortened(result_jsons)}: {error}; if the '
                'specification was changed, run: hos generate'
            ) from None


def no_values(_result_jsons: str) -> None:
    """Parse the result of a function that reports no values."""


def value_dict(result_jsons: str) -> dict[str, Value]:
    """Parse the result of any function to its values by name; raises ValueMismatchError."""
    try:
        return msgspec.json.decode(result_jsons, type=dict[str, Value])
    except (msgspec.DecodeError, UnicodeError) as error:
        raise ValueMismatchError(
            f'result: expected a JSON object, got {shortened(result_jsons)}: {error}'
        ) from None


def prepare_calls(node: Node, namespace: str = '') -> None:
    """
    Begin to discover the device manager of a namespace, by default that of the node.

    The first call then need not wait for it. Needs no executor, and may be called again.
    """
    client_of(node, namespace)


def call_device(
    node: Node,
    device_id: str,
    function_name: str,
    arguments: Mapping[str, object],
    parse: Callable[[str], R],
    *,
    namespace: str = '',
    spec_digest: str = '',
) -> DeviceAPICallInfo[R]:
    """
    Call a function with Python values.

    The keys of `arguments` are declarations such as `x:float32 -60..60 [mm]`. `namespace` is that
    of the device manager; by default that of the node. If `spec_digest` is given and is not that
    of the manager's specification, a warning is logged. Raises ValueMismatchError, before anything
    is sent, if a value does not fit its declaration.
    """
    _protect_coroutine(node)
    fields = [
        _typed_field(_declared(declaration), value, function_name)
        for declaration, value in arguments.items()
    ]
    return call_with_fields(
        node,
        device_id,
        function_name,
        fields,
        parse,
        namespace=namespace,
        spec_digest=spec_digest,
    )


def call_with_fields(
    node: Node,
    device_id: str,
    function_name: str,
    fields: Sequence[TypedField],
    parse: Callable[[str], R],
    *,
    namespace: str = '',
    spec_digest: str = '',
) -> DeviceAPICallInfo[R]:
    """
    Call a function with arguments as texts; only the device manager compares them with the spec.

    Raises ValueMismatchError, before anything is sent, if a text cannot be sent at all, and
    CallFailedError if the node was destroyed or rclpy was shut down.
    """
    _protect_coroutine(node)
    _check_text('device_id', device_id)
    _check_text('function_name', function_name)
    for argument in fields:
        for text in (argument.data, argument.name, argument.type):
            _check_text(f'{function_name!r}: {shortened(argument.name)[1:-1]}', text)
    call = PendingCall(device_id, function_name, fields, time.time(), node.get_logger())
    with _ended_node_named(node, call):
        client = client_of(node, namespace)
        client.start(call, spec_digest)
    return DeviceAPICallInfo(
        call.call_time,
        call.future,
        client.ros_client,
        call.result,
        device_id,
        function_name,
        parse,
        partial(client.wait, call.result),
    )


@contextmanager
def _ended_node_named(node: Node, call: PendingCall) -> Iterator[None]:
    try:
        yield
    except (InvalidHandle, rclpy_implementation.RCLError) as error:
        is_destroyed = isinstance(error, InvalidHandle)
        if not is_destroyed and node.context.ok():
            raise
        reason = 'the node was destroyed' if is_destroyed else 'rclpy was shut down'
        device_id, function_name = call.request.device_id, call.request.function_name
        text = f'{function_name!r} of {device_id!r}: {reason}; the call was not sent'
        raise CallFailedError(text, device_id, function_name, 0) from None


def _protect_coroutine(node: Node) -> None:
    """Let no exception in the calling coroutine, not even one of this call, end the process."""
    task = running_task()
    if task is not None:
        protect(task, node.get_logger())


# More than the number of arguments in a large specification.
_declared = lru_cache(maxsize=10_000)(Field.from_text)


def _typed_field(declared: Field, value: object, function_name: str) -> TypedField:
    try:
        text = declared.type.format(declared.check(_plain(value)))
    except ValueMismatchError as error:
        raise ValueMismatchError(f'{function_name!r}: {error}') from None
    return TypedField(name=declared.name, type=declared.type.value, data=text)


def _plain(value: object) -> object:
    # The numbers of numpy are registered as numbers, but they are neither int nor float.
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    return float(value) if isinstance(value, numbers.Real) else value


def _check_text(name: str, text: object) -> None:
    try:
        FieldType.STRING.check(text)
    except ValueMismatchError as error:
        raise ValueMismatchError(f'{name}: {error}') from None
    if '\0' in str(text):
        raise ValueMismatchError(
            f'{name}: expected text without NUL characters, got {shortened(text)}'
        )
