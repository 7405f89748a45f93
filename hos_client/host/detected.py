"""Discovered devices, with what the fleet specifies for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hos_device_layer.core.spec.fleet import Fleet
from hos_device_layer.core.spec.records import DeviceType, FleetDevice, Function, Stream

Info = Mapping[str, Any]


@dataclass(frozen=True)
class DetectedDevice:
    """
    A discovered device, as drivers see it.

    `info` comes from the interface. `row` is the device's row in the fleet's table, None while
    the device is not identified. `type`, `functions` and `streams` belong to that row.
    """

    identifier: str
    connection_type: str
    info: Info
    row: FleetDevice | None = None
    type: DeviceType | None = None
    functions: tuple[Function, ...] = ()
    streams: tuple[Stream, ...] = ()

    @property
    def name(self) -> str:
        """The device id and the identifier, or only the identifier if there is no row."""
        return f'{self.row.device_id} ({self.identifier})' if self.row else self.identifier


def describe(
    identifier: str, connection_type: str, info: Info, row: FleetDevice | None, fleet: Fleet
) -> DetectedDevice:
    """Return a discovered device with the row and the specification of its type."""
    if row is None:
        return DetectedDevice(identifier, connection_type, info)
    return DetectedDevice(
        identifier,
        connection_type,
        info,
        row,
        fleet.device_type(row.device_type),
        fleet.functions_of(row.device_type),
        fleet.streams_of(row.device_type),
    )
