"""The tables of a specification: the name, record and meaning of each."""

from __future__ import annotations

from typing import Any

from . import tables as t
from .records import DeviceType, FleetDevice, Function, FunctionSerializer, Stream
from .schema import SpecTable, declare_table

DEVICE_TYPES = declare_table(t.DEVICES, DeviceType, 'The types of devices.')
FUNCTIONS = declare_table(t.APIS, Function, 'What devices can be told to do.')
SERIALIZERS = declare_table(
    t.SERIALIZERS,
    FunctionSerializer,
    'How commands are written for device types with serialized_api.',
    key='function_name',  # several functions may be written alike
    other_names=(t.API_SERIALIZERS,),
)
STREAMS = declare_table(t.STREAMS, Stream, 'What devices send on their own.')

# Any number of tables, each with the devices of one fleet.
FLEETS = declare_table(t.fleet_table('…'), FleetDevice, 'The devices of a fleet.')

# The tables that a specification has once, in the order in which they refer to each other.
SINGLE_TABLES: tuple[SpecTable[Any], ...] = (DEVICE_TYPES, FUNCTIONS, SERIALIZERS, STREAMS)

_BY_NAME = {name: table for table in SINGLE_TABLES for name in table.names}
SINGLE_TABLE_NAMES = tuple(_BY_NAME)


def table_of(name: str) -> SpecTable[Any]:
    """Return the declaration of the table of this name; of any other name, that of a fleet."""
    return _BY_NAME.get(name, FLEETS)
