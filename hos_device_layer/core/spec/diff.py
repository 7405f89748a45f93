"""What is different between two specifications, in the words of their tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from ..text import shortened
from . import tables as t
from .field_types import Field
from .records import DeviceType, FleetDevice, Function, Spec, Stream

# A message about changes lists so many; a person reads no more of them in a log.
LISTED_CHANGES = 20

_Cells = Mapping[str, str]
_RowKey = tuple[str, str]


class Change(msgspec.Struct, frozen=True, order=True):
    """A difference, and where it is; `column` is empty for a whole row."""

    table: str
    row: str
    column: str
    text: str

    def __str__(self) -> str:
        row = f', row {self.row!r}' if self.row else ''
        column = f', column {self.column!r}' if self.column else ''
        return f'table {self.table!r}{row}{column}: {self.text}'


def diff_specs(old: Spec, new: Spec) -> tuple[Change, ...]:
    """Return what is different in `new`, sorted; serializers are named by their functions."""
    return tuple(sorted({*_changed_rows(old, new), *_new_problems(old, new)}))


def describe_changes(changes: Sequence[Change]) -> str:
    """Say on one line what changed; of many changes the first."""
    if not changes:
        return 'nothing changed'
    listed = '; '.join(str(change) for change in changes[:LISTED_CHANGES])
    rest = len(changes) - LISTED_CHANGES
    more = f'; and {rest} more' if rest > 0 else ''
    return f'{len(changes)} {"change" if len(changes) == 1 else "changes"}: {listed}{more}'


def _changed_rows(old: Spec, new: Spec) -> Iterator[Change]:
    before, after = _rows(old), _rows(new)
    had_problem, has_problem = _rows_with_problems(old), _rows_with_problems(new)
    for key in before.keys() | after.keys():
        table, row = key
        if key not in before:
            yield Change(table, row, '', 'can be used again' if key in had_problem else 'added')
        elif key in after:
            for column, cell in after[key].items():
                if cell != before[key][column]:
                    text = f'{_shown(before[key][column])} became {_shown(cell)}'
                    yield Change(table, row, column, text)
        elif key not in has_problem:
            yield Change(table, row, '', 'removed')


def _new_problems(old: Spec, new: Spec) -> Iterator[Change]:
    known = set(old.problems)
    for problem in new.problems:
        if problem not in known:
            text = f'left out: {problem.text}' if problem.row else problem.text
            yield Change(problem.table, problem.row, problem.column, text)


def _rows_with_problems(spec: Spec) -> set[_RowKey]:
    return {(problem.table, problem.row) for problem in spec.problems}


def _rows(spec: Spec) -> dict[_RowKey, _Cells]:
    """Return the cells of every sound row as text, by table and row."""
    rows: dict[_RowKey, _Cells] = {}
    for name, device_type in spec.device_types.items():
        rows[t.DEVICES, name] = _device_type_cells(device_type)
    for name, function in spec.functions.items():
        rows[t.APIS, name] = _function_cells(function)
        if function.serializer is not None:
            rows[t.SERIALIZERS, name] = {'serializer': function.serializer.template}
    for name, stream in spec.streams.items():
        rows[t.STREAMS, name] = _stream_cells(stream)
    for fleet, devices in spec.fleets.items():
        for device_id, device in devices.items():
            rows[t.fleet_table(fleet), device_id] = _device_cells(device)
    return rows


def _device_type_cells(device_type: DeviceType) -> _Cells:
    return {
        'device_role': device_type.role,
        'serialized_api': 'yes' if device_type.serialized_api else '',
        'ros_target': device_type.ros_target,
        'description': device_type.description,
    }


def _function_cells(function: Function) -> _Cells:
    return {
        'arguments': _field_texts(function.arguments),
        'results': _field_texts(function.results),
        'device_types': ', '.join(function.device_types),
        'description': function.description,
        'timeout_s': _number_text(function.timeout_s),
        'max_in_flight': _number_text(function.max_in_flight),
    }


def _stream_cells(stream: Stream) -> _Cells:
    return {
        'values': _field_texts(stream.values),
        'device_types': ', '.join(stream.device_types),
        'description': stream.description,
    }


def _device_cells(device: FleetDevice) -> _Cells:
    return {
        'device_uid': _number_text(device.uid),
        'device_type': device.device_type,
        'communication_target': device.communication_target,
        'serial_info': device.serial_info,
        'baud_rate': _number_text(device.baud_rate),
        'child_device': ', '.join(device.child_devices),
    }


def _field_texts(fields: Iterable[Field]) -> str:
    return ', '.join(field.to_text() for field in fields)


def _number_text(number: float | None) -> str:
    return '' if number is None else str(number)


def _shown(cell: str) -> str:
    return shortened(cell) if cell else 'empty'
