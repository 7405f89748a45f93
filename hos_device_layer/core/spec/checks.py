"""
From tables to a specification: every problem is found, none stops the rest.

A row with a problem is left out. A row that links to one that was left out keeps its other links:
the problem is reported once, where it is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

import msgspec

from ..errors import SpecError
from ..text import shortened
from . import tables as t
from .records import DeviceType, FleetDevice, Function, LeftOut, Spec, Stream
from .serializers import Serializer
from .tables import Problem, RowReader, Tables

UINT32_MAX = 2**32 - 1

# num_args of DeviceCommand is a uint8.
MAX_ARGUMENTS = 255

# Stream names are part of a topic name: https://design.ros2.org/articles/topic_and_service_names.html
MAX_STREAM_NAME = 100  # of the 247 characters of a topic name, with room for a namespace
_TOPIC_TOKEN = re.compile(rf'[A-Za-z][A-Za-z0-9_]{{,{MAX_STREAM_NAME - 1}}}')

# How many of the devices that share a uid are named in one problem.
_NAMED_DEVICES = 5


class _SerializerLink(NamedTuple):
    function_name: str
    serializer: Serializer | None


T = TypeVar('T')


class _Reading(Generic[T]):
    """A row with what it was understood as."""

    def __init__(self, row: RowReader, record: T) -> None:
        self.row = row
        self.record = record

    @property
    def name(self) -> str:
        return self.row.label

    @property
    def is_sound(self) -> bool:
        return not self.row.problems

    @property
    def problem_text(self) -> str:
        return '; '.join(str(problem) for problem in self.row.problems)


def check_tables(tables: Tables, source_problems: Iterable[Problem] = ()) -> Spec:
    """
    Judge a specification as a whole and return its sound rows and all its problems.

    `source_problems` are those met while reading the tables.
    """
    types = _read_unique(tables, t.DEVICES, _device_type)
    type_names = {reading.name for reading in types}
    sound_types = _sound(types)

    functions = _read_unique(tables, t.APIS, lambda row: _function(row, type_names))
    serializers = [
        *_read(tables, t.SERIALIZERS, _serializer_link),
        *_read(tables, t.API_SERIALIZERS, _serializer_link),
    ]
    _check_serializer_links(serializers, functions)
    templates = {s.record.function_name: s.record.serializer for s in serializers if s.is_sound}
    _check_serialized_functions(functions, serializers, sound_types)

    streams = _read_unique(tables, t.STREAMS, lambda row: _stream(row, type_names))
    fleets = {
        table.removeprefix(t.FLEET_PREFIX): _read_unique(
            tables, table, lambda row: _device(row, type_names, sound_types)
        )
        for table in sorted(tables)
        if table.startswith(t.FLEET_PREFIX)
    }
    _check_uids([reading for readings in fleets.values() for reading in readings])
    for readings in fleets.values():
        _check_children(readings)

    rows = [
        *_rows(types),
        *_rows(functions),
        *_rows(serializers),
        *_rows(streams),
        *(row for readings in fleets.values() for row in _rows(readings)),
    ]
    return Spec(
        device_types=sound_types,
        functions={
            name: _with_serializer(function, templates.get(name))
            for name, function in _sound(functions).items()
        },
        streams=_sound(streams),
        fleets={fleet: _sound(readings) for fleet, readings in fleets.items()},
        problems=(
            *source_problems,
            *_missing_tables(tables),
            *(problem for row in rows for problem in row.problems),
        ),
        left_out=_left_out(functions, fleets),
    )


def _left_out(
    functions: list[_Reading[Function]], fleets: Mapping[str, list[_Reading[FleetDevice]]]
) -> LeftOut:
    broken = [r for readings in fleets.values() for r in readings if not r.is_sound]
    return LeftOut(
        functions={r.name: r.problem_text for r in functions if not r.is_sound},
        devices={(r.record.fleet, r.name): r.problem_text for r in broken},
        uids={r.record.uid: r.problem_text for r in broken if r.record.uid is not None},
    )


def _read(tables: Tables, table: str, understand: Callable[[RowReader], T]) -> list[_Reading[T]]:
    readings = []
    for position, cells in enumerate(tables.get(table, ()), start=1):
        if not all(map(t.is_empty, cells.values())):
            row = RowReader(table, cells, position)
            readings.append(_Reading(row, understand(row)))
    return readings


def _read_unique(
    tables: Tables, table: str, understand: Callable[[RowReader], T]
) -> list[_Reading[T]]:
    readings = _read(tables, table, understand)
    counts = Counter(reading.name for reading in readings)
    for reading in readings:
        if counts[reading.name] > 1:
            reading.row.report(t.name_column(table), f'stands there {counts[reading.name]} times')
    return readings


def _sound(readings: Iterable[_Reading[T]]) -> dict[str, T]:
    return {reading.name: reading.record for reading in readings if reading.is_sound}


def _rows(readings: Iterable[_Reading[T]]) -> list[RowReader]:
    return [reading.row for reading in readings]


def _missing_tables(tables: Tables) -> Iterator[Problem]:
    for names in ((t.DEVICES,), (t.APIS,), (t.SERIALIZERS, t.API_SERIALIZERS), (t.STREAMS,)):
        if tables.keys().isdisjoint(names):
            yield Problem(names[0], '', '', 'is missing')
    if not any(table.startswith(t.FLEET_PREFIX) for table in tables):
        yield Problem(
            t.fleet_table('…'), '', '', 'is missing: there is no fleet; add such a table'
        )


def _device_type(row: RowReader) -> DeviceType:
    return DeviceType(
        name=row.name('device_type'),
        role=row.text('device_role'),
        serialized_api=row.flag('serialized_api'),
        ros_target=row.text('ros_target'),
        description=row.text('description'),
    )


def _function(row: RowReader, type_names: set[str]) -> Function:
    arguments = row.fields('arguments')
    if len(arguments) > MAX_ARGUMENTS:
        row.report('arguments', f'holds {len(arguments)} arguments; {MAX_ARGUMENTS} are possible')
    return Function(
        name=row.name('function_name'),
        arguments=arguments,
        results=row.fields('results'),
        device_types=_device_types(row, type_names),
        description=row.text('description'),
        timeout_s=row.seconds('timeout_s'),
        max_in_flight=row.integer('max_in_flight', 1, UINT32_MAX),
    )


def _serializer_link(row: RowReader) -> _SerializerLink:
    template, serializer = row.text('serializer', required=True), None
    try:
        serializer = Serializer(template) if template else None
    except SpecError as error:
        row.report('serializer', str(error))
    return _SerializerLink(row.link('function_name'), serializer)


def _stream(row: RowReader, type_names: set[str]) -> Stream:
    name = row.name('stream')
    if name and not _TOPIC_TOKEN.fullmatch(name):
        row.report(
            'stream',
            f'{shortened(name)} must be letters, digits and _, a letter first, at most '
            f'{MAX_STREAM_NAME} of them',
        )
    values = row.fields('values')
    if not values and not row.problems:
        row.report('values', 'is empty')
    return Stream(name, values, _device_types(row, type_names), row.text('description'))


def _device(
    row: RowReader, type_names: set[str], sound_types: Mapping[str, DeviceType]
) -> FleetDevice:
    device_type = row.link('device_type')
    if device_type and device_type not in type_names:
        row.report('device_type', f'{device_type!r} is not in the table {t.DEVICES!r}')
    elif device_type and device_type not in sound_types:
        row.report('device_type', f'{device_type!r} has a problem in the table {t.DEVICES!r}')
    return FleetDevice(
        device_id=row.name('device_id'),
        uid=row.integer('device_uid', 0, UINT32_MAX),
        device_type=device_type,
        fleet=row.table.removeprefix(t.FLEET_PREFIX),
        communication_target=row.text('communication_target'),
        serial_info=row.text('serial_info'),
        baud_rate=row.integer('baud_rate', 1, UINT32_MAX),
        child_devices=row.names('child_device'),
    )


def _device_types(row: RowReader, type_names: set[str]) -> tuple[str, ...]:
    names = row.names('device_types')
    if not names and not row.has_problem('device_types'):
        row.report('device_types', 'is empty: no device has it')
    for name in names:
        if name not in type_names:
            row.report('device_types', f'{name!r} is not in the table {t.DEVICES!r}')
    return names


def _check_serializer_links(
    serializers: list[_Reading[_SerializerLink]], functions: list[_Reading[Function]]
) -> None:
    by_name = {reading.name: reading for reading in functions}
    uses = Counter(reading.record.function_name for reading in serializers)
    for reading in serializers:
        name, serializer = reading.record
        function = by_name.get(name)
        if not name:
            continue
        if function is None:
            reading.row.report('function_name', f'{name!r} is not in the table {t.APIS!r}')
        elif serializer and not function.row.has_problem('arguments'):
            count = len(function.record.arguments)
            if serializer.argument_count != count:
                reading.row.report(
                    'serializer',
                    f'{serializer.template!r} takes {serializer.argument_count} arguments, '
                    f'{name!r} has {count}',
                )
        if uses[name] > 1:
            reading.row.report('function_name', f'{name!r} has {uses[name]} serializers')


def _check_serialized_functions(
    functions: list[_Reading[Function]],
    serializers: list[_Reading[_SerializerLink]],
    types: Mapping[str, DeviceType],
) -> None:
    linked = {reading.record.function_name: reading for reading in serializers}
    for reading in functions:
        users = [n for n in reading.record.device_types if n in types and types[n].serialized_api]
        link = linked.get(reading.name)
        if users and link is None:
            reading.row.report(
                'device_types', f'{users[0]!r} takes serialized commands: add a serializer'
            )
        elif users and link is not None and not link.is_sound:
            reading.row.report('device_types', f'its serializer {link.name!r} has a problem')


def _with_serializer(function: Function, serializer: Serializer | None) -> Function:
    return msgspec.structs.replace(function, serializer=serializer)


def _check_uids(readings: list[_Reading[FleetDevice]]) -> None:
    owners: dict[int, list[_Reading[FleetDevice]]] = {}
    for reading in readings:
        if reading.record.uid is not None:
            owners.setdefault(reading.record.uid, []).append(reading)
    for uid, sharing in owners.items():
        if len(sharing) > 1:
            names = [f'{r.name!r} ({r.row.table})' for r in sharing[:_NAMED_DEVICES]]
            more = ', …' if len(sharing) > _NAMED_DEVICES else ''
            text = f'{uid} belongs to {len(sharing)} devices: {", ".join(names)}{more}'
            for reading in sharing:
                reading.row.report('device_uid', text)


def _check_children(readings: list[_Reading[FleetDevice]]) -> None:
    children = {reading.name: reading.record.child_devices for reading in readings}
    in_rings = _ring_members(children)
    for reading in readings:
        for child in reading.record.child_devices:
            if child not in children:
                reading.row.report('child_device', f'{child!r} is not in this table')
        if reading.name in in_rings:
            reading.row.report('child_device', f'{reading.name!r} is its own descendant')


def _ring_members(children: Mapping[str, Sequence[str]]) -> set[str]:
    """Return those that are their own descendants, by Kosaraju's strongly connected components."""
    parents: dict[str, list[str]] = {}
    for parent, names in children.items():
        for child in names:
            parents.setdefault(child, []).append(parent)
    visited: set[str] = set()
    descendants_first = [n for start in children for n in _visit(start, children, visited)]
    members: set[str] = set()
    visited.clear()
    for start in reversed(descendants_first):
        ring = _visit(start, parents, visited)
        if len(ring) > 1 or start in children.get(start, ()):
            members.update(ring)
    return members


def _visit(start: str, links: Mapping[str, Sequence[str]], visited: set[str]) -> list[str]:
    """Return what can be reached from `start` and was not visited before, the farthest first."""
    found = []
    pending = [(start, False)]
    while pending:
        name, is_explored = pending.pop()
        if is_explored:
            found.append(name)
        elif name not in visited:
            visited.add(name)
            pending.append((name, True))
            pending += ((linked, False) for linked in links.get(name, ()))
    return found
