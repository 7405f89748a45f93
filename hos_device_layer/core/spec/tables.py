"""The specification as it is edited: named tables of rows, not yet checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

DEVICES = 'devices'
APIS = 'apis'
SERIALIZERS = 'serializers'
API_SERIALIZERS = 'api_serializers'  # another name of the same table
STREAMS = 'streams'
FLEET_PREFIX = 'fleet-'

Row = Mapping[str, object]
Tables = Mapping[str, Sequence[Row]]


def fleet_table(fleet: str) -> str:
    """Return the name of a fleet's table."""
    return FLEET_PREFIX + fleet


def is_fleet_table(table: str) -> bool:
    """Return whether a table is that of a fleet, by its name."""
    return table.startswith(FLEET_PREFIX)


def fleet_name(table: str) -> str:
    """Return the name of the fleet whose table this is."""
    return table.removeprefix(FLEET_PREFIX)


class Place(msgspec.Struct, frozen=True, order=True):
    """A cell of the specification; without `column` its row, without `row` its table."""

    table: str
    row: str = ''
    column: str = ''

    def __str__(self) -> str:
        row = f', row {self.row!r}' if self.row else ''
        column = f', column {self.column!r}' if self.column else ''
        return f'table {self.table!r}{row}{column}'


class Problem(msgspec.Struct, frozen=True, order=True):
    """A problem in the specification and the cell that has it; `row` is the name of the row."""

    table: str
    row: str
    column: str
    text: str

    def __str__(self) -> str:
        return f'{Place(self.table, self.row, self.column)}: {self.text}'
