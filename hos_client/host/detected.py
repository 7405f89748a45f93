"""A device that an interface has found, and what the fleet says about it."""

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
    What drivers judge by.

    `info` is what the interface has found out. `row` is the device's row in the fleet's table,
    None while it is not known which device this is; `type`, `functions` and `streams` are those
    of its row.
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
        """The id in the fleet and the identifier, or the identifier alone."""
        return f'{self.row.device_id} ({self.identifier})' if self.row else self.identifier


def describe(
    identifier: str, connection_type: str, info: Info, row: FleetDevice | None, fleet: Fleet
) -> DetectedDevice:
    """Put together what is known about a device."""
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
