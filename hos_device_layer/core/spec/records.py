"""
The specification: the records that its rows are read as, and their columns.

Each column is declared once, here, on the attribute that holds it. Reading, checks, differences,
the local copy, the layout in Airtable and docs/reference/specification.md follow from it.
"""

from collections.abc import Mapping
from operator import attrgetter
from typing import Annotated

import msgspec

from . import tables as t
from .field_types import UINT32_MAX, Field
from .schema import THIS_TABLE, Column, Kind
from .serializers import Serializer
from .tables import Problem

ROLES = ('Haive', 'Container', 'Bridge', 'Equipment', 'Sensor')

# num_args of DeviceCommand is a uint8.
MAX_ARGUMENTS = 255

_name = attrgetter('name')


class DeviceType(msgspec.Struct, frozen=True):
    """A kind of device; those with `serialized_api` take each command as one text."""

    name: Annotated[
        str,
        Column(
            'device_type', Kind.NAME, 'The name of the device type.', required=True, unique=True
        ),
    ]
    role: Annotated[
        str,
        Column(
            'device_role',
            Kind.CHOICE,
            'What devices of this type do in the workcell: one of the choices, or another.',
            choices=ROLES,
        ),
    ] = ''
    serialized_api: Annotated[
        bool,
        Column(
            'serialized_api',
            Kind.CHECKBOX,
            (
                'Ticked for small microcontrollers, which take each command as one short text. '
                'Each function of such a type needs a row in serializers.'
            ),
        ),
    ] = False
    ros_target: Annotated[
        str,
        Column(
            'ros_target',
            Kind.TEXT,
            'The ROS node that handles the devices, where your own nodes need to know it.',
            optional=True,
        ),
    ] = ''
    description: Annotated[
        str,
        Column(
            'description',
            Kind.LONG_TEXT,
            'What people should know about the device type.',
            optional=True,
        ),
    ] = ''


class Function(msgspec.Struct, frozen=True):
    """Something a device can be told to do; a limit is None where the function sets none."""

    name: Annotated[
        str,
        Column(
            'function_name', Kind.NAME, 'The name of the function.', required=True, unique=True
        ),
    ]
    arguments: Annotated[
        tuple[Field, ...],
        Column(
            'arguments',
            Kind.FIELDS,
            (
                'What the function takes, in the order in which the device expects it: one '
                '`name:type` per line, with range and unit if you like: `x:float32 -60..60 [mm]`.'
            ),
            max_items=MAX_ARGUMENTS,
        ),
    ] = ()
    results: Annotated[
        tuple[Field, ...],
        Column(
            'results',
            Kind.FIELDS,
            'What the device answers with: one `name:type` per line, as in arguments.',
        ),
    ] = ()
    device_types: Annotated[
        tuple[str, ...],
        Column(
            'device_types',
            Kind.LINKS,
            'The device types that have this function.',
            links_to=t.DEVICES,
            required=True,
        ),
    ] = ()
    description: Annotated[
        str,
        Column(
            'description',
            Kind.LONG_TEXT,
            'What people should know about the function.',
            optional=True,
            after_name=True,
        ),
    ] = ''
    serializer: Serializer | None = None  # from the table of serializers
    timeout_s: Annotated[
        float | None,
        Column(
            'timeout_s',
            Kind.SECONDS,
            'How many seconds a call may take from acceptance to result.',
            when_empty='the default of the manager',
            optional=True,
        ),
    ] = None
    max_in_flight: Annotated[
        int | None,
        Column(
            'max_in_flight',
            Kind.INTEGER,
            'How many calls of the function may run on one device at a time.',
            when_empty='any number',
            optional=True,
            low=1,
            high=UINT32_MAX,
        ),
    ] = None


class FunctionSerializer(msgspec.Struct, frozen=True):
    """How the commands of one function are written for devices with `serialized_api`."""

    serializer: Annotated[
        Serializer | None,
        Column(
            'serializer',
            Kind.TEMPLATE,
            (
                'The command to send; each `$` stands for an argument, in order: with `A$B$C$` '
                'and the arguments 1, 2.5 and -3 the device gets `A1B2.5C-3`.'
            ),
            required=True,
        ),
    ]
    function_name: Annotated[
        str,
        Column(
            'function_name',
            Kind.LINK,
            'The function whose commands are written like this.',
            links_to=t.APIS,
            required=True,
            unique=True,
        ),
    ]


class Stream(msgspec.Struct, frozen=True):
    """Samples that devices of some types send on their own."""

    name: Annotated[
        str,
        Column(
            'stream',
            Kind.TOPIC_NAME,
            (
                'The name of the stream, which is part of its ROS topic: letters, digits and `_`, '
                'starting with a letter.'
            ),
            required=True,
            unique=True,
        ),
    ]
    values: Annotated[
        tuple[Field, ...],
        Column(
            'values',
            Kind.FIELDS,
            'What a sample holds: one `name:type` per line, as in the arguments of apis.',
            required=True,
        ),
    ] = ()
    device_types: Annotated[
        tuple[str, ...],
        Column(
            'device_types',
            Kind.LINKS,
            'The device types that send this stream.',
            links_to=t.DEVICES,
            required=True,
        ),
    ] = ()
    description: Annotated[
        str,
        Column(
            'description',
            Kind.LONG_TEXT,
            'What people should know about the stream.',
            optional=True,
            after_name=True,
        ),
    ] = ''


class FleetDevice(msgspec.Struct, frozen=True):
    """A device of a fleet. `uid` is None until it is known; the rest says how it is reached."""

    device_id: Annotated[
        str,
        Column(
            'device_id',
            Kind.NAME,
            'The name of the device in its fleet.',
            required=True,
            unique=True,
        ),
    ]
    uid: Annotated[
        int | None,
        Column(
            'device_uid',
            Kind.INTEGER,
            (
                'The number by which the device identifies itself, different for every device of '
                'all fleets.'
            ),
            when_empty='not known yet',
            low=0,
            high=UINT32_MAX,
        ),
    ]
    device_type: Annotated[
        str,
        Column(
            'device_type', Kind.LINK, 'The type of the device.', links_to=t.DEVICES, required=True
        ),
    ]
    fleet: str
    communication_target: Annotated[
        str,
        Column(
            'communication_target',
            Kind.TEXT,
            'For a device on a cable: the bridge that it is connected to.',
            optional=True,
        ),
    ] = ''
    serial_info: Annotated[
        str,
        Column(
            'serial_info',
            Kind.TEXT,
            'How the bridge recognizes the device: `vendor:product` of its USB adapter.',
            optional=True,
        ),
    ] = ''
    baud_rate: Annotated[
        int | None,
        Column(
            'baud_rate',
            Kind.INTEGER,
            'The speed of its serial line, in bits per second.',
            when_empty='9600',
            optional=True,
            low=1,
            high=UINT32_MAX,
        ),
    ] = None
    child_devices: Annotated[
        tuple[str, ...],
        Column(
            'child_device',
            Kind.LINKS,
            'The devices of the same fleet that are attached to this one.',
            links_to=THIS_TABLE,
            optional=True,
            one_as_text=True,
        ),
    ] = ()


class RejectedRows(msgspec.Struct, frozen=True):
    """Rows that the specification does not hold: their problems, by what users name them."""

    functions: Mapping[str, str] = {}
    devices: Mapping[tuple[str, str], str] = {}  # by fleet and device id
    uids: Mapping[int, str] = {}
    device_types: Mapping[str, tuple[str, ...]] = {}  # of the functions; () if they are unknown

    def functions_of(self, device_type: str) -> list[str]:
        """Return the rejected functions that a device type has, or may have, sorted."""
        types = ((name, self.device_types.get(name, ())) for name in self.functions)
        return sorted(name for name, known in types if not known or device_type in known)


class Spec(msgspec.Struct, frozen=True):
    """
    A whole specification, checked: the rows without a problem, and the problems of the others.

    `device_types`, `functions` and `streams` go by name, `fleets` by fleet name, then device id.
    """

    device_types: Mapping[str, DeviceType] = {}
    functions: Mapping[str, Function] = {}
    streams: Mapping[str, Stream] = {}
    fleets: Mapping[str, Mapping[str, FleetDevice]] = {}
    problems: tuple[Problem, ...] = ()
    rejected: RejectedRows = RejectedRows()

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
