"""Fleets, drivers and an interface for the tests of the host."""

from __future__ import annotations

from typing import Any

from hos_client.host import Action, DetectedDevice, Driver, Info, Interface
from hos_device_layer.core.spec.field_types import Field
from hos_device_layer.core.spec.fleet import Fleet
from hos_device_layer.core.spec.records import DeviceType, FleetDevice, Function, Stream
from hos_device_layer.core.spec.serializers import Serializer

UID = 10800023


def row(device_id: str = 'K6101', uid: int | None = UID, **columns: Any) -> FleetDevice:
    columns.setdefault('device_type', 'Shaker')
    columns.setdefault('serial_info', device_id)
    return FleetDevice(device_id, uid, fleet='lab', **columns)


def function(name: str, device_type: str, template: str | None = None, **more: Any) -> Function:
    return Function(
        name,
        tuple(Field.from_text(text) for text in more.pop('arguments', ())),
        tuple(Field.from_text(text) for text in more.pop('results', ())),
        (device_type,),
        serializer=None if template is None else Serializer(template),
        **more,
    )


def fleet(*rows: FleetDevice) -> Fleet:
    return Fleet(
        'lab',
        rows or (row(),),
        (
            DeviceType('Balance'),
            DeviceType('Meter', serialized_api=True),
            DeviceType('Shaker', serialized_api=True),
        ),
        (
            function('balance_weigh', 'Balance', results=['mass:float64', 'stable:bool']),
            function('meter_range_set', 'Meter', 'CONF:VOLT:DC $', arguments=['v:float32']),
            function('meter_read', 'Meter', 'MEAS:VOLT:DC?', results=['volt:float64']),
            function('shaker_start', 'Shaker', 'R$T$', arguments=['speed:uint16', 't:uint16']),
            function('shaker_stop', 'Shaker', 'X'),
        ),
        (
            Stream('mass', (Field.from_text('mass:float64'),), ('Balance',)),
            Stream('speed', (Field.from_text('speed:uint16'),), ('Shaker',)),
            Stream('temperature', (Field.from_text('t:float32'),), ('Shaker',)),
        ),
    )


class Anything(Driver):
    """Supports every device; the result of an action is its arguments."""

    connection_type = 'fake'

    @classmethod
    def supported(cls, device: DetectedDevice) -> bool:
        return True

    def action(self, data: Action) -> Any:
        return dict(data.arguments)


class Child(Anything):
    pass


class Important(Anything):
    priority = 5


class Shelf(Interface):
    """Discovers the devices that a test has set."""

    connection_type = 'fake'
    _loop_delay = 0.02

    def __init__(self) -> None:
        self.devices: dict[str, Info] = {'one': {'names': ('K6101',)}}

    def get_devices(self) -> dict[str, Info]:
        return self.devices
