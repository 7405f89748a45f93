"""Functions and the serializers of their commands: both must fit each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .records import DeviceType, Function, FunctionSerializer
from .rows import CheckedRow
from .serializers import PLACEHOLDER, Serializer
from .tables import SERIALIZERS

_FunctionRow = CheckedRow[Function]
_SerializerRow = CheckedRow[FunctionSerializer]


def check_serializers(
    functions: Iterable[_FunctionRow],
    serializers: Iterable[_SerializerRow],
    device_types: Mapping[str, DeviceType],
) -> dict[str, Serializer]:
    """
    Report serializers that do not fit, and functions that lack one; `device_types` go by name.

    Returns the valid serializers, by function.
    """
    by_name = {row.label: row for row in functions}
    by_function = {row.record.function_name: row for row in serializers}
    for row in serializers:
        _check_argument_count(row, by_name.get(row.record.function_name))
    for function in functions:
        _check_serialized(function, by_function.get(function.label), device_types)
    return {
        name: row.record.serializer
        for name, row in by_function.items()
        if row.is_valid and row.record.serializer is not None
    }


def _check_argument_count(row: _SerializerRow, function: _FunctionRow | None) -> None:
    serializer = row.record.serializer
    if serializer is None or function is None or function.has_problem('arguments'):
        return
    expected, found = len(function.record.arguments), serializer.argument_count
    if found != expected:
        row.report(
            'serializer',
            f'expected {expected} {PLACEHOLDER}, one for each argument of {function.label!r}; '
            f'{serializer.template!r} has {found}',
        )


def _check_serialized(
    row: _FunctionRow, serializer: _SerializerRow | None, device_types: Mapping[str, DeviceType]
) -> None:
    used_by = (device_types[n] for n in row.record.device_types if n in device_types)
    serialized = next((d.name for d in used_by if d.serialized_api), None)
    if serialized is None:
        return
    if serializer is None:
        row.report(
            'device_types',
            f'{serialized!r} takes serialized commands; add a row for {row.label!r} to the table '
            f'{SERIALIZERS!r}',
        )
    elif not serializer.is_valid:
        row.report(
            'device_types',
            f'{serialized!r} takes serialized commands, and the serializer {serializer.label!r} '
            f'has a problem; correct it in the table {serializer.table!r}',
        )
