"""The device specification: what there is in a fleet and what each device can do."""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter

import msgspec

from .field_types import Field
from .serializers import Serializer
from .tables import Problem

_name = attrgetter('name')


class DeviceType(msgspec.Struct, frozen=True):
    """A kind of device; `serialized_api` types take their commands as one text."""

    name: str
    role: str = ''
    serialized_api: bool = False
    ros_target: str = ''
    description: str = ''


class Function(msgspec.Struct, frozen=True):
    """Something a device can be told to do; the limits are None where it sets none of its own."""

    name: str
    arguments: tuple[Field, ...] = ()
    results: tuple[Field, ...] = ()
    device_types: tuple[str, ...] = ()
    description: str = ''
    serializer: Serializer | None = None
    timeout_s: float | None = None  # [s] from acceptance to result
    max_in_flight: int | None = None  # calls running on one device at a time


class Stream(msgspec.Struct, frozen=True):
    """Samples that devices of some types send on their own."""

    name: str
    values: tuple[Field, ...] = ()
    device_types: tuple[str, ...] = ()
    description: str = ''


class FleetDevice(msgspec.Struct, frozen=True):
    """A device of a fleet. `uid` is None until it is known; the rest says how it is reached."""

    device_id: str
    uid: int | None
    device_type: str
    fleet: str
    communication_target: str = ''
    serial_info: str = ''
    baud_rate: int | None = None
    child_devices: tuple[str, ...] = ()


class LeftOut(msgspec.Struct, frozen=True):
    """Why rows are not in the specification: their problems, by what users name them."""

    functions: Mapping[str, str] = {}
    devices: Mapping[tuple[str, str], str] = {}  # by fleet and device id
    uids: Mapping[int, str] = {}


class Spec(msgspec.Struct, frozen=True):
    """
    A whole specification, checked: its sound rows, and the problems of the rest.

    `device_types`, `functions` and `streams` go by name, `fleets` by fleet name, then device id.
    """

    device_types: Mapping[str, DeviceType] = {}
    functions: Mapping[str, Function] = {}
    streams: Mapping[str, Stream] = {}
    fleets: Mapping[str, Mapping[str, FleetDevice]] = {}
    problems: tuple[Problem, ...] = ()
    left_out: LeftOut = LeftOut()

    def functions_of(self, device_type: str) -> list[Function]:
        """Return the functions of a device type, sorted by name."""
        return sorted(
            (f for f in self.functions.values() if device_type in f.device_types), key=_name
        )

    def streams_of(self, device_type: str) -> list[Stream]:
        """Return the streams of a device type, sorted by name."""
        return sorted(
            (s for s in self.streams.values() if device_type in s.device_types), key=_name
        )
