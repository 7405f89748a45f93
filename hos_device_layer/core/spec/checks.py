"""
From tables to a specification: every problem is found, and none hides another.

A row with a problem is rejected. A row that links to a rejected one keeps its other links: the
problem is reported once, where it is.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from . import tables as t
from .child_rings import ring_members
from .records import (
    DeviceType,
    FleetDevice,
    Function,
    FunctionSerializer,
    RejectedRows,
    Spec,
    Stream,
)
from .rows import CheckedRow, check_unique, read_rows, valid_records
from .schema import THIS_TABLE, Column, SpecTable
from .serializer_checks import check_serializers
from .spec_tables import (
    DEVICE_TYPES,
    FLEETS,
    FUNCTIONS,
    SERIALIZERS,
    SINGLE_TABLES,
    STREAMS,
)
from .tables import Problem, Tables

# How many of the devices that share a uid are named in one problem.
_NAMED_DEVICES = 5

T = TypeVar('T', bound=msgspec.Struct)


class _CheckedTables(msgspec.Struct, frozen=True):
    """The rows of every table."""

    device_types: list[CheckedRow[DeviceType]]
    functions: list[CheckedRow[Function]]
    serializers: list[CheckedRow[FunctionSerializer]]
    streams: list[CheckedRow[Stream]]
    fleets: Mapping[str, list[CheckedRow[FleetDevice]]]

    def single(self) -> Iterator[tuple[SpecTable[Any], Sequence[CheckedRow[Any]]]]:
        """Yield each table that a specification has once, with its rows."""
        yield DEVICE_TYPES, self.device_types
        yield FUNCTIONS, self.functions
        yield SERIALIZERS, self.serializers
        yield STREAMS, self.streams

    def all(self) -> Iterator[tuple[SpecTable[Any], Sequence[CheckedRow[Any]]]]:
        """Yield each table with its rows."""
        yield from self.single()
        for rows in self.fleets.values():
            yield FLEETS, rows

    def devices(self) -> list[CheckedRow[FleetDevice]]:
        """Return the rows of all fleets."""
        return [row for rows in self.fleets.values() for row in rows]


def check_tables(tables: Tables, source_problems: Iterable[Problem] = ()) -> Spec:
    """
    Check a specification as a whole; returns its valid rows and all its problems.

    `source_problems` are those met while the tables were read.
    """
    checked = _read(tables)
    _check_links(checked)
    device_types = valid_records(checked.device_types)
    templates = check_serializers(checked.functions, checked.serializers, device_types)
    devices = checked.devices()
    _check_device_types(devices, checked.device_types)
    _check_uids(devices)
    for rows in checked.fleets.values():
        _check_children(rows)
    return Spec(
        device_types=device_types,
        functions={
            name: msgspec.structs.replace(function, serializer=templates.get(name))
            for name, function in valid_records(checked.functions).items()
        },
        streams=valid_records(checked.streams),
        fleets={fleet: valid_records(rows) for fleet, rows in checked.fleets.items()},
        problems=(
            *source_problems,
            *_missing_tables(tables),
            *(problem for _, rows in checked.all() for row in rows for problem in row.problems),
        ),
        rejected=_rejected_rows(checked.functions, devices),
    )


def _read(tables: Tables) -> _CheckedTables:
    return _CheckedTables(
        device_types=_read_table(DEVICE_TYPES, tables),
        functions=_read_table(FUNCTIONS, tables),
        serializers=_read_table(SERIALIZERS, tables),
        streams=_read_table(STREAMS, tables),
        fleets={t.fleet_name(name): _read_fleet(name, tables) for name in _fleet_tables(tables)},
    )


def _read_table(table: SpecTable[T], tables: Tables) -> list[CheckedRow[T]]:
    rows = [row for name in table.names for row in read_rows(table, name, tables.get(name, ()))]
    check_unique(table, rows)
    return rows


def _read_fleet(name: str, tables: Tables) -> list[CheckedRow[FleetDevice]]:
    rows = read_rows(FLEETS, name, tables[name], fleet=t.fleet_name(name))
    check_unique(FLEETS, rows)
    return rows


def _fleet_tables(tables: Tables) -> list[str]:
    return sorted(filter(t.is_fleet_table, tables))


def _missing_tables(tables: Tables) -> Iterator[Problem]:
    for table in SINGLE_TABLES:
        if tables.keys().isdisjoint(table.names):
            yield Problem(table.name, '', '', 'is missing; add the table')
    if not _fleet_tables(tables):
        yield Problem(FLEETS.name, '', '', 'is missing; add a table for each fleet')


def _check_links(checked: _CheckedTables) -> None:
    """Report the links to rows that do not exist."""
    single = {table.name: {row.label for row in rows} for table, rows in checked.single()}
    for table, rows in checked.all():
        for column, attribute in zip(table.columns, table.attributes):
            if column.links_to == THIS_TABLE:
                _check_targets(rows, column, attribute, {row.label for row in rows})
            elif column.links_to:
                _check_targets(rows, column, attribute, single[column.links_to])


def _check_targets(
    rows: Iterable[CheckedRow[Any]], column: Column, attribute: str, labels: Container[str]
) -> None:
    for row in rows:
        value = getattr(row.record, attribute)
        for name in value if column.kind.is_list else (value,):
            if name not in labels and name:
                target = column.target(row.table)
                row.report(
                    column.name,
                    f'{name!r} is not in the table {target!r}; add it there or correct the link',
                )


def _check_device_types(
    devices: Iterable[CheckedRow[FleetDevice]], device_types: Iterable[CheckedRow[DeviceType]]
) -> None:
    rejected = {row.label for row in device_types if not row.is_valid}
    for row in devices:
        if row.record.device_type in rejected:
            row.report(
                'device_type',
                f'{row.record.device_type!r} has a problem in the table {t.DEVICES!r}; '
                'correct it there',
            )


def _check_uids(devices: Iterable[CheckedRow[FleetDevice]]) -> None:
    owners: dict[int, list[CheckedRow[FleetDevice]]] = {}
    for row in devices:
        if row.record.uid is not None:
            owners.setdefault(row.record.uid, []).append(row)
    for uid, sharing in owners.items():
        if len(sharing) > 1:
            names = [f'{row.label!r} ({row.table})' for row in sharing[:_NAMED_DEVICES]]
            more = ', …' if len(sharing) > _NAMED_DEVICES else ''
            text = (
                f'{uid} belongs to {len(sharing)} devices: {", ".join(names)}{more}; give each '
                'device a uid of its own'
            )
            for row in sharing:
                row.report('device_uid', text)


def _check_children(rows: Iterable[CheckedRow[FleetDevice]]) -> None:
    rows = tuple(rows)
    in_rings = ring_members({row.label: row.record.child_devices for row in rows})
    for row in rows:
        if row.label in in_rings:
            row.report(
                'child_device',
                f'{row.label!r} is its own descendant; remove one of the links that lead back',
            )


def _rejected_rows(
    functions: Iterable[CheckedRow[Function]], devices: Iterable[CheckedRow[FleetDevice]]
) -> RejectedRows:
    rejected = [row for row in devices if not row.is_valid]
    rejected_functions = [row for row in functions if not row.is_valid]
    return RejectedRows(
        functions={row.label: row.problem_text for row in rejected_functions},
        devices={(row.record.fleet, row.label): row.problem_text for row in rejected},
        uids={row.record.uid: row.problem_text for row in rejected if row.record.uid is not None},
        device_types={row.label: row.record.device_types for row in rejected_functions},
    )
