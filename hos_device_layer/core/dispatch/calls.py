"""The check of an API call against the specification."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from ..errors import ArgumentError, UnknownFunctionError, ValueMismatchError
from ..spec.field_types import Field
from ..spec.records import FleetDevice, Function, Spec
from ..text import shortened


class TypedField(msgspec.Struct, frozen=True):
    """A named value with its type, written as text: an argument as the caller sent it."""

    name: str
    type: str
    data: str


class CheckedCall(NamedTuple):
    """A call that fits the specification; its arguments are in the form that devices read."""

    function: Function
    arguments: tuple[str, ...]
    serialized: str | None


def check_call(
    spec: Spec, device: FleetDevice, function_name: str, given: Sequence[TypedField]
) -> CheckedCall:
    """Check a call of a device's function; raises UnknownFunctionError or ArgumentError."""
    function = _function(spec, device, function_name)
    try:
        arguments = tuple(_arguments(function, given))
        serialized = None
        if spec.device_types[device.device_type].serialized_api:
            # The check of the specification rejects functions that lack a serializer here.
            assert function.serializer is not None
            serialized = function.serializer.serialize(arguments)
    except ValueMismatchError as error:
        text = f'{function_name!r} of {device.device_id!r}: {error}'
        raise ArgumentError(text, device.device_id, function_name) from None
    return CheckedCall(function, arguments, serialized)


def _function(spec: Spec, device: FleetDevice, function_name: str) -> Function:
    function = spec.functions.get(function_name)
    if function is not None and device.device_type in function.device_types:
        return function
    if problem := spec.rejected.functions.get(function_name):
        text = f'the function {function_name!r} cannot be used: {problem}'
    else:
        known = ', '.join(f.name for f in spec.functions_of(device.device_type)) or 'none'
        text = (
            f'{device.device_type!r} ({device.device_id!r}) has no function '
            f'{shortened(function_name)}; it has: {known}'
        )
    raise UnknownFunctionError(text, device.device_id, function_name)


def _arguments(function: Function, given: Sequence[TypedField]) -> list[str]:
    fields = function.arguments
    if [argument.name for argument in given] != [field.name for field in fields]:
        expected = ', '.join(field.name for field in fields) or 'no arguments'
        found = ', '.join(argument.name for argument in given) or 'no arguments'
        raise ValueMismatchError(f'expected {expected}, in this order; got {shortened(found)}')
    return [_argument_text(field, argument) for field, argument in zip(fields, given)]


def _argument_text(field: Field, argument: TypedField) -> str:
    if argument.type != field.type.value:
        raise ValueMismatchError(
            f'{field.name}: expected type {field.type.value}, got {shortened(argument.type)}'
        )
    return field.type.format(field.parse(argument.data))
