"""The fleet of a device manager: its devices, and the reasons why others are not in it."""

from __future__ import annotations

from collections.abc import Mapping

from ..spec.records import FleetDevice, Spec, Stream
from ..spec.tables import fleet_table
from ..text import shortened


class FleetIndex:
    """The devices of one fleet of a specification, by device id and by uid; immutable."""

    def __init__(self, spec: Spec, name: str) -> None:
        self.spec = spec
        self.name = name
        self.devices: Mapping[str, FleetDevice] = spec.fleets.get(name, {})
        self.by_uid: Mapping[int, FleetDevice] = {
            device.uid: device for device in self.devices.values() if device.uid is not None
        }
        self._elsewhere: Mapping[int, FleetDevice] = {
            device.uid: device
            for fleet, devices in spec.fleets.items()
            if fleet != name
            for device in devices.values()
            if device.uid is not None
        }

    def needs_of(self, device: FleetDevice) -> tuple[bool, tuple[Stream, ...]]:
        """Return what a link must know: whether commands are serialized, and the streams."""
        device_type = self.spec.device_types.get(device.device_type)
        serialized = device_type is not None and device_type.serialized_api
        return serialized, tuple(self.spec.streams_of(device.device_type))

    def unknown_uid(self, uid: int, description: str = '') -> str:
        """Return why a uid is not in the fleet, and what to do."""
        name = f'uid {uid} ({description})' if description else f'uid {uid}'
        if problem := self.spec.rejected.uids.get(uid):
            return f'{name} cannot be used: {problem}'
        if device := self._elsewhere.get(uid):
            # A second row with this uid would be rejected, and so would the first one.
            return (
                f'{name} is {device.device_id!r} of the fleet {device.fleet!r}, not of '
                f'{self.name!r}; set the parameter fleet of the device manager to '
                f'{device.fleet!r}, or move the row to the table {fleet_table(self.name)!r}'
            )
        return f'{name} is not in the fleet {self.name!r}; {self._where_to_add()}'

    def unknown_device_id(self, device_id: str) -> str:
        """Return why a device id is not in the fleet, and what to do."""
        if problem := self.spec.rejected.devices.get((self.name, device_id)):
            return f'the device {device_id!r} cannot be used: {problem}'
        name = shortened(device_id)
        others = [fleet for fleet, devices in self.spec.fleets.items() if device_id in devices]
        elsewhere = f'it is in the fleet {others[0]!r}; ' if others else ''
        return f'no device {name} in the fleet {self.name!r}; {elsewhere}{self._where_to_add()}'

    def _where_to_add(self) -> str:
        table = fleet_table(self.name)
        if self.name in self.spec.fleets:
            return f'add it to the table {table!r}'
        known = ', '.join(sorted(self.spec.fleets)) or 'none'
        return f'there is no table {table!r}; valid fleets: {known}'
