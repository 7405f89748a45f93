"""Writes a specification with any number of devices as a local copy."""

from __future__ import annotations

from pathlib import Path

from hos_device_layer.core.spec.tables import Row
from hos_device_layer.database import LocalCopy

FLEET = 'bench'
FUNCTION = 'arm_move'
FIRST_UID = 1_000_000


def write_fleet(folder: Path, device_count: int) -> None:
    """Write a fleet of devices with a serialized API, one function and one stream."""
    devices: list[Row] = [
        {'device_id': device_id(i), 'device_uid': FIRST_UID + i, 'device_type': 'Arm'}
        for i in range(device_count)
    ]
    point = ['x:float32 -60..60 [mm]', 'y:float32 -60..60 [mm]', 'z:float32 -60..60 [mm]']
    LocalCopy(folder).write(
        {
            'devices': [{'device_type': 'Arm', 'device_role': 'Haive', 'serialized_api': True}],
            'apis': [
                {
                    'function_name': FUNCTION,
                    'arguments': point,
                    'results': point,
                    'device_types': ['Arm'],
                }
            ],
            'serializers': [{'serializer': 'A$B$C$', 'function_name': FUNCTION}],
            'streams': [{'stream': 'position', 'values': point, 'device_types': ['Arm']}],
            f'fleet-{FLEET}': devices,
        }
    )


def device_id(index: int) -> str:
    """Return the device id with this index."""
    return f'D{index:05}'
