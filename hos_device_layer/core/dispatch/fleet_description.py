"""Describes the devices of a fleet, and the functions and streams of their types."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cache, partial

from ..spec.field_types import Field
from ..spec.records import FleetDevice, Spec
from ..spec.tables import fleet_table
from .connection_states import ConnectionState
from .connections import Connections, DeviceConnection
from .descriptions import (
    DescribedDevice,
    DescribedFunction,
    DescribedStream,
    DescriptionAnswer,
)
from .fleet_index import FleetIndex
from .tasks import RunningTasks

_Names = tuple[tuple[str, ...], tuple[str, ...]]


def describe_fleet(
    fleet: FleetIndex,
    connections: Connections,
    tasks: RunningTasks,
    device_ids: Collection[str] = (),
) -> DescriptionAnswer:
    """
    Describe devices of a fleet, by default all of them and those that wait to be added to it.

    Rejected devices and functions are included with their problems; unknown ids are left out.
    """
    wanted = frozenset(device_ids)
    offers = cache(partial(_offers_of, fleet.spec))
    described = [
        *(_in_fleet(fleet, d, connections, tasks, offers) for d in _chosen(fleet, wanted)),
        *_rejected(fleet, wanted),
    ]
    described.sort(key=lambda device: device.device_id)
    if not device_ids:
        described += (_waiting(fleet, c) for c in connections if c.device is None)
    functions, streams = _union(offers(device.device_type) for device in described)
    return DescriptionAnswer(
        fleet.name,
        tuple(described),
        tuple(_function(fleet.spec, name) for name in functions),
        tuple(_stream(fleet.spec, name) for name in streams),
    )


def _matches(device_ids: Collection[str], device_id: str) -> bool:
    return not device_ids or device_id in device_ids


def _chosen(fleet: FleetIndex, device_ids: Collection[str]) -> Iterator[FleetDevice]:
    return (d for name, d in fleet.devices.items() if _matches(device_ids, name))


def _rejected(fleet: FleetIndex, device_ids: Collection[str]) -> Iterator[DescribedDevice]:
    for (name, device_id), problem in fleet.spec.rejected.devices.items():
        if name == fleet.name and _is_named(device_id) and _matches(device_ids, device_id):
            yield DescribedDevice(device_id, None, '', ConnectionState.EXPECTED, error=problem)


def _is_named(label: str) -> bool:
    # Rejected rows without a name are labelled with their position: #3.
    return not label.startswith('#')


def _in_fleet(
    fleet: FleetIndex,
    device: FleetDevice,
    connections: Connections,
    tasks: RunningTasks,
    offers: Callable[[str], _Names],
) -> DescribedDevice:
    functions, streams = offers(device.device_type)
    connection = None if device.uid is None else connections.get(device.uid)
    if device.uid is None or connection is None:
        return DescribedDevice(
            device.device_id,
            device.uid,
            device.device_type,
            ConnectionState.EXPECTED,
            error=f'it has no uid yet; enter it in the table {fleet_table(fleet.name)!r}',
            function_names=functions,
            stream_names=streams,
        )
    return DescribedDevice(
        device.device_id,
        device.uid,
        device.device_type,
        connection.state,
        connection.since.epoch,
        _last_seen_s(connection),
        len(tasks.of_device(device.uid)),
        function_names=functions,
        stream_names=streams,
    )


def _waiting(fleet: FleetIndex, connection: DeviceConnection) -> DescribedDevice:
    return DescribedDevice(
        '',
        connection.uid,
        '',
        connection.state,
        connection.since.epoch,
        _last_seen_s(connection),
        description=connection.description,
        error=fleet.unknown_uid(connection.uid),
    )


def _last_seen_s(connection: DeviceConnection) -> float:
    return connection.last_seen.epoch if connection.last_seen else 0.0


def _offers_of(spec: Spec, device_type: str) -> _Names:
    """Return the names of the functions, also rejected ones, and of the streams of a type."""
    if not device_type:
        return (), ()
    functions = [function.name for function in spec.functions_of(device_type)]
    functions += filter(_is_named, spec.rejected.functions_of(device_type))
    return tuple(sorted(functions)), tuple(s.name for s in spec.streams_of(device_type))


def _union(offers: Iterable[_Names]) -> tuple[list[str], list[str]]:
    functions: set[str] = set()
    streams: set[str] = set()
    for function_names, stream_names in {*offers}:
        functions.update(function_names)
        streams.update(stream_names)
    return sorted(functions), sorted(streams)


def _function(spec: Spec, name: str) -> DescribedFunction:
    function = spec.functions.get(name)
    if function is None:
        return DescribedFunction(name, error=spec.rejected.functions[name])
    return DescribedFunction(
        name, _texts(function.arguments), _texts(function.results), function.description
    )


def _stream(spec: Spec, name: str) -> DescribedStream:
    stream = spec.streams[name]
    return DescribedStream(name, _texts(stream.values), stream.description)


def _texts(fields: Iterable[Field]) -> tuple[str, ...]:
    return tuple(field.to_text() for field in fields)
