"""The differences between two specifications, by table, row and column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from ..text import shortened
from . import tables as t
from .records import FunctionSerializer, Spec
from .schema import SpecTable
from .spec_tables import DEVICE_TYPES, FLEETS, FUNCTIONS, SERIALIZERS, STREAMS
from .tables import Place

# How many changes a message lists; nobody reads more of them in a log.
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
        return f'{Place(self.table, self.row, self.column)}: {self.text}'


def diff_specs(old: Spec, new: Spec) -> tuple[Change, ...]:
    """Return what changed from `old` to `new`, sorted; a serializer goes by its function."""
    return tuple(sorted({*_changed_rows(old, new), *_new_problems(old, new)}))


def describe_changes(changes: Sequence[Change]) -> str:
    """Describe changes on one line; lists the first LISTED_CHANGES."""
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
                    text = f'changed from {_shown(before[key][column])} to {_shown(cell)}'
                    yield Change(table, row, column, text)
        elif key not in has_problem:
            yield Change(table, row, '', 'removed')


def _new_problems(old: Spec, new: Spec) -> Iterator[Change]:
    known = set(old.problems)
    for problem in new.problems:
        if problem not in known:
            text = f'rejected: {problem.text}' if problem.row else problem.text
            yield Change(problem.table, problem.row, problem.column, text)


def _rows_with_problems(spec: Spec) -> set[_RowKey]:
    return {(problem.table, problem.row) for problem in spec.problems}


def _rows(spec: Spec) -> dict[_RowKey, _Cells]:
    """Return the cells of every row as text, by table and key."""
    return {
        (name, key): table.cell_texts(record)
        for name, table, records in _records(spec)
        for key, record in records.items()
    }


def _records(spec: Spec) -> Iterator[tuple[str, SpecTable[Any], Mapping[str, Any]]]:
    yield t.DEVICES, DEVICE_TYPES, spec.device_types
    yield t.APIS, FUNCTIONS, spec.functions
    yield t.SERIALIZERS, SERIALIZERS, _serializers(spec)
    yield t.STREAMS, STREAMS, spec.streams
    for fleet, devices in spec.fleets.items():
        yield t.fleet_table(fleet), FLEETS, devices


def _serializers(spec: Spec) -> dict[str, FunctionSerializer]:
    return {
        name: FunctionSerializer(function.serializer, name)
        for name, function in spec.functions.items()
        if function.serializer is not None
    }


def _shown(cell: str) -> str:
    return shortened(cell) if cell else 'empty'
