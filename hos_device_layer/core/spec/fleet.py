"""One fleet of a specification: what a host needs to know to handle its devices."""

from __future__ import annotations

import msgspec

from ..errors import SpecError
from .records import DeviceType, FleetDevice, Function, Spec, Stream


class Fleet(msgspec.Struct, frozen=True):
    """The devices of a fleet and what their types can do, all sorted by name."""

    name: str = ''
    devices: tuple[FleetDevice, ...] = ()
    device_types: tuple[DeviceType, ...] = ()
    functions: tuple[Function, ...] = ()
    streams: tuple[Stream, ...] = ()

    def device_type(self, name: str) -> DeviceType | None:
        """Return the device type of this name, or None."""
        return next((t for t in self.device_types if t.name == name), None)

    def functions_of(self, device_type: str) -> tuple[Function, ...]:
        """Return the functions of a device type, sorted by name."""
        return tuple(f for f in self.functions if device_type in f.device_types)

    def streams_of(self, device_type: str) -> tuple[Stream, ...]:
        """Return the streams of a device type, sorted by name."""
        return tuple(s for s in self.streams if device_type in s.device_types)


def fleet_of(spec: Spec, name: str) -> Fleet:
    """Return one fleet of a specification; an unknown fleet is empty."""
    devices = tuple(d for _, d in sorted(spec.fleets.get(name, {}).items()))
    used = {device.device_type for device in devices}
    return Fleet(
        name,
        devices,
        tuple(t for _, t in sorted(spec.device_types.items()) if t.name in used),
        tuple(f for _, f in sorted(spec.functions.items()) if used & set(f.device_types)),
        tuple(s for _, s in sorted(spec.streams.items()) if used & set(s.device_types)),
    )


def fleet_to_json(fleet: Fleet) -> bytes:
    """Encode a fleet as JSON; equal fleets give equal texts."""
    return msgspec.json.encode(fleet)


def fleet_from_json(text: bytes) -> Fleet:
    """Decode what `fleet_to_json` wrote; raises SpecError."""
    try:
        return msgspec.json.decode(text, type=Fleet)
    except (msgspec.DecodeError, RecursionError, UnicodeError, SpecError) as error:
        raise SpecError(f'expected a fleet as JSON: {error}') from None
