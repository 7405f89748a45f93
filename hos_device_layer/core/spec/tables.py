"""The specification as it is edited: named tables of rows, not yet judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import msgspec

from ..errors import SpecError, ValueMismatchError
from ..text import shortened
from .field_types import Field, FieldType

DEVICES = 'devices'
APIS = 'apis'
SERIALIZERS = 'serializers'
API_SERIALIZERS = 'api_serializers'  # another name of the same table
STREAMS = 'streams'
FLEET_PREFIX = 'fleet-'

# The column that names a row, by table.
NAME_COLUMNS = {
    DEVICES: 'device_type',
    APIS: 'function_name',
    SERIALIZERS: 'serializer',
    API_SERIALIZERS: 'serializer',
    STREAMS: 'stream',
}
FLEET_NAME_COLUMN = 'device_id'

_UINT64_MAX = 2**64 - 1

# Thirty years: for a limit without end, leave the cell empty.
_MAX_SECONDS = 1e9

Row = Mapping[str, object]
Tables = Mapping[str, Sequence[Row]]
T = TypeVar('T')


def name_column(table: str) -> str:
    """Return the column that names the rows of a table."""
    return NAME_COLUMNS.get(table, FLEET_NAME_COLUMN)


def row_label(table: str, row: Row, position: int) -> str:
    """Return what a person finds the row by: its name, or `#3` for the third without one."""
    name = row.get(name_column(table))
    if is_empty(name):
        return f'#{position}'
    return name.strip() if isinstance(name, str) else shortened(name)


def is_empty(cell: object) -> bool:
    """Tell whether a cell holds nothing; an unticked checkbox does not differ from that."""
    if isinstance(cell, str):
        return not cell.strip()
    return cell is None or cell is False or (isinstance(cell, (list, tuple)) and not cell)


def fleet_table(fleet: str) -> str:
    """Return the name of a fleet's table."""
    return FLEET_PREFIX + fleet


class Problem(msgspec.Struct, frozen=True, order=True):
    """Something wrong in the specification, and the cell it stands in; `row` is the row's name."""

    table: str
    row: str
    column: str
    text: str

    def __str__(self) -> str:
        row = f', row {self.row!r}' if self.row else ''
        column = f', column {self.column!r}' if self.column else ''
        return f'table {self.table!r}{row}{column}: {self.text}'


class RowReader:
    """Reads the cells of one row; what cannot be read becomes a problem and reads as empty."""

    def __init__(self, table: str, row: Row, position: int) -> None:
        self.table = table
        self.label = row_label(table, row, position)
        self.problems: list[Problem] = []
        self._row = row

    def report(self, column: str, text: str) -> None:
        """Note a problem in a cell of this row."""
        self.problems.append(Problem(self.table, self.label, column, text))

    def has_problem(self, column: str) -> bool:
        """Tell whether a problem was noted in a cell of this row."""
        return any(problem.column == column for problem in self.problems)

    def text(self, column: str, required: bool = False) -> str:
        """Read a text, without the spaces around it."""
        value = self._read(column, _as_text, '').strip()
        if required and not value and not self.has_problem(column):
            self.report(column, 'is empty')
        return value

    def name(self, column: str) -> str:
        """Read the text that names this row: required, and printable."""
        name = self.text(column, required=True)
        if not name.isprintable():
            self.report(column, f'{shortened(name)} holds a control character or line end')
        return name

    def flag(self, column: str) -> bool:
        """Read a checkbox."""
        return self._read(column, _as_flag, False)

    def integer(self, column: str, low: int, high: int) -> int | None:
        """Read a whole number in low..high; None where the cell is empty."""
        return self._read(column, lambda cell: _as_integer(cell, low, high), None)

    def seconds(self, column: str) -> float | None:
        """Read a positive number of seconds; None where the cell is empty."""
        return self._read(column, _as_seconds, None)

    def names(self, column: str) -> tuple[str, ...]:
        """Read a list of names: an array, or one text with commas or new lines."""
        return self._read(column, as_list, ())

    def link(self, column: str) -> str:
        """Read a list that must hold exactly one name."""
        names = self.names(column)
        if len(names) != 1 and not self.has_problem(column):
            self.report(column, 'must link to exactly one row' if names else 'is empty')
        return names[0] if names else ''

    def fields(self, column: str) -> tuple[Field, ...]:
        """Read a list of field declarations with different names."""
        fields = []
        for text in self.names(column):
            try:
                fields.append(Field.from_text(text))
            except SpecError as error:
                self.report(column, str(error))
        for name, count in Counter(field.name for field in fields).items():
            if count > 1:
                self.report(column, f'{name!r} stands there {count} times')
        return tuple(fields)

    def _read(self, column: str, convert: Callable[[object], T], empty: T) -> T:
        cell = self._row.get(column)
        if is_empty(cell):
            return empty
        try:
            return convert(cell)
        except SpecError as error:
            self.report(column, str(error))
            return empty


def as_list(cell: object) -> tuple[str, ...]:
    """Split a list cell: an array of texts, or one text with commas or new lines outside `[]`."""
    if isinstance(cell, (list, tuple)):
        items = [_as_text(item).strip() for item in cell]
    else:
        items = _split_items(_as_text(cell))
    return tuple(item for item in items if item)


def _split_items(text: str) -> list[str]:
    items = []
    for line in text.split('\n'):
        start, in_unit = 0, False
        for position, character in enumerate(line):
            if character == ',' and not in_unit:
                items.append(line[start:position].strip())
                start = position + 1
            elif character in '[]':
                in_unit = character == '['
        items.append(line[start:].strip())
    return items


def _as_text(cell: object) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, int) and not isinstance(cell, bool) and abs(cell) <= _UINT64_MAX:
        return str(cell)
    raise SpecError(f'{shortened(cell)} is no text; put it in quotes')


def _as_flag(cell: object) -> bool:
    if isinstance(cell, bool):
        return cell
    raise SpecError(f'{shortened(cell)} is neither true nor false')


def _as_number(cell: object) -> float:
    number = FieldType.FLOAT64
    try:
        return float(number.parse(cell) if isinstance(cell, str) else number.check(cell))
    except ValueMismatchError:
        raise SpecError(f'{shortened(cell)} is no number') from None


def _as_integer(cell: object, low: int, high: int) -> int:
    number = _as_number(cell)
    if not low <= number <= high or not number.is_integer():
        raise SpecError(f'{shortened(cell)} is no whole number in {low}..{high}')
    return int(number)


def _as_seconds(cell: object) -> float:
    number = _as_number(cell)
    if not 0 < number <= _MAX_SECONDS:
        raise SpecError(f'{shortened(cell)} is no positive number of seconds')
    return number
