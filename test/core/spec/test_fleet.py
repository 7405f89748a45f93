import pytest

from hos_device_layer.core.errors import SpecError
from hos_device_layer.core.spec.checks import check_tables
from hos_device_layer.core.spec.fleet import Fleet, fleet_from_json, fleet_of, fleet_to_json

SPEC = check_tables(
    {
        'devices': [{'device_type': name} for name in ('Scale', 'Arm', 'Leg')],
        'apis': [
            {'function_name': 'weigh', 'results': 'm:float64 0..9', 'device_types': 'Scale'},
            {'function_name': 'identify', 'device_types': 'Leg, Arm, Scale'},
            {'function_name': 'kick', 'device_types': 'Leg'},
        ],
        'serializers': [{'serializer': 'W', 'function_name': 'weigh'}],
        'streams': [
            {'stream': 'mass', 'values': 'm:float64', 'device_types': 'Scale'},
            {'stream': 'height', 'values': 'h:float64', 'device_types': 'Leg'},
        ],
        'fleet-lab': [
            {'device_id': 'S2', 'device_uid': 2, 'device_type': 'Scale'},
            {'device_id': 'A1', 'device_type': 'Arm'},
        ],
    }
)
LAB = fleet_of(SPEC, 'lab')


def test_a_fleet_holds_what_its_devices_need():
    assert SPEC.problems == ()
    assert [device.device_id for device in LAB.devices] == ['A1', 'S2']
    assert [device_type.name for device_type in LAB.device_types] == ['Arm', 'Scale']
    assert [function.name for function in LAB.functions] == ['identify', 'weigh']
    assert [stream.name for stream in LAB.streams] == ['mass']


def test_an_unknown_fleet_is_empty():
    assert fleet_of(SPEC, 'mars') == Fleet('mars')


def test_what_a_type_can_do():
    assert [function.name for function in LAB.functions_of('Arm')] == ['identify']
    assert [stream.name for stream in LAB.streams_of('Scale')] == ['mass']
    assert LAB.device_type('Arm') == SPEC.device_types['Arm']
    assert LAB.device_type('Leg') is None


def test_a_fleet_survives_json():
    assert fleet_from_json(fleet_to_json(LAB)) == LAB


@pytest.mark.parametrize('text', [b'', b'{"devices": 5}', b'\xff', b'[' * 100_000])
def test_other_json_is_refused(text):
    with pytest.raises(SpecError, match='expected a fleet as JSON'):
        fleet_from_json(text)
