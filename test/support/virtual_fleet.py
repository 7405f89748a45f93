"""A small specification, and timestamps that the tests of the core choose."""

from hos_device_layer.core.spec.field_types import Field
from hos_device_layer.core.spec.records import (
    DeviceType,
    FleetDevice,
    Function,
    RejectedRows,
    Spec,
    Stream,
)
from hos_device_layer.core.spec.serializers import Serializer
from hos_device_layer.core.timestamp import Timestamp

EPOCH = 1_700_000_000.0


def at(steady):
    """Return the timestamp `steady` seconds after the start."""
    return Timestamp(steady, EPOCH + steady)


def fields(*declarations):
    return tuple(Field.from_text(text) for text in declarations)


def device(device_id, uid, device_type='Lift'):
    return FleetDevice(device_id, uid, device_type, 'lab')


def move(*results, **limits):
    """Return the function that both device types of the fleet have."""
    return Function(
        'move',
        fields('x:int32 0..10 [mm]', 'fast:bool'),
        fields(*(results or ['height:int32'])),
        ('Lift', 'Pump'),
        serializer=Serializer('M$F$'),
        **limits,
    )


LIFT = device('L1', 11)
PUMP = device('P1', 21, 'Pump')
NAMELESS = device('L2', None)

MOVE = move()
HALT = Function('halt', device_types=('Lift',), timeout_s=2.0)


def make_spec(devices=(LIFT, PUMP, NAMELESS), functions=(MOVE, HALT), rejected=None):
    """Return a specification with the fleet `lab`; `Pump` takes serialized commands."""
    return Spec(
        device_types={
            'Lift': DeviceType('Lift'),
            'Pump': DeviceType('Pump', serialized_api=True),
        },
        functions={function.name: function for function in functions},
        streams={
            'height': Stream('height', fields('height:float32'), ('Lift',)),
            'flow': Stream('flow', fields('flow:float32'), ('Pump',)),
        },
        fleets={'lab': {device.device_id: device for device in devices}},
        rejected=rejected or RejectedRows(),
    )
