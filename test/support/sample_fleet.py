"""The specification of the manager tests: valid rows, invalid rows and many devices."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from hos_device_layer.core.spec.tables import Row, Tables
from hos_device_layer.database import LocalCopy

FLEET = 'test'
DEVICES_OF_A_TYPE = 50
STREAMS = ('load', 'pose')

# Devices whose uid appears in two rows, and a device without a uid.
TWIN_UID = 77_000
TWIN_ID = 'TWIN1'
UIDLESS_ID = 'NOUID'

POINT = ['x:float32 -60..60 [mm]', 'y:float32 -60..60 [mm]', 'z:float32 -60..60 [mm]']
SAMPLE = ['count:uint8 1..10', 'level:float64', 'on:bool', 'note:string']

MEASURE_ARGUMENTS = [
    ('count', 'uint8', '3'),
    ('level', 'float64', '1.5'),
    ('on', 'bool', 'true'),
    ('note', 'string', 'a, b'),
]


class SampleDevice(NamedTuple):
    """A row of the fleet; an Arm takes serialized commands, a Bench typed ones."""

    device_id: str
    uid: int
    device_type: str

    @property
    def is_serialized(self) -> bool:
        return self.device_type == 'Arm'


def device_rows(device_type: str, first_uid: int, count: int) -> list[SampleDevice]:
    return [
        SampleDevice(f'{device_type[0]}{i:03}', first_uid + i, device_type) for i in range(count)
    ]


ARMS = device_rows('Arm', 10_000, DEVICES_OF_A_TYPE)
BENCHES = device_rows('Bench', 20_000, DEVICES_OF_A_TYPE)


class SampleDevices:
    """Yields each device of the fleet once, so that tests with one manager use different ones."""

    def __init__(self) -> None:
        self.arms: Iterator[SampleDevice] = iter(ARMS)
        self.benches: Iterator[SampleDevice] = iter(BENCHES)
        self.unknown_uids = itertools.count(900_000)


def write_sample_fleet(folder: Path) -> Path:
    LocalCopy(folder).write(sample_tables())
    return folder


def sample_tables() -> Tables:
    devices: list[Row] = [
        {'device_id': d.device_id, 'device_uid': d.uid, 'device_type': d.device_type}
        for d in (*ARMS, *BENCHES)
    ]
    devices += [
        {'device_id': TWIN_ID, 'device_uid': TWIN_UID, 'device_type': 'Bench'},
        {'device_id': 'TWIN2', 'device_uid': TWIN_UID, 'device_type': 'Bench'},
        {'device_id': UIDLESS_ID, 'device_type': 'Bench'},
    ]
    return {
        'devices': [
            {'device_type': 'Arm', 'device_role': 'Haive', 'serialized_api': True},
            {'device_type': 'Bench', 'device_role': 'Equipment'},
            {'device_type': 'Oven', 'device_role': 'Equipment'},
        ],
        'apis': _functions(),
        'serializers': [
            {'serializer': 'A$B$C$', 'function_name': 'arm_move'},
            {'serializer': 'R$', 'function_name': 'arm_turn'},
            {'serializer': 'A$B$C', 'function_name': 'arm_mark'},
            {'serializer': 'T$', 'function_name': 'say'},
        ],
        'streams': [
            {'stream': stream, 'values': ['value:float32'], 'device_types': ['Arm', 'Bench']}
            for stream in STREAMS
        ],
        f'fleet-{FLEET}': devices,
    }


def _functions() -> list[Row]:
    def function(name: str, device_types: list[str], **columns: object) -> Row:
        return {'function_name': name, 'device_types': device_types, **columns}

    return [
        function('arm_move', ['Arm'], arguments=POINT, results=POINT),
        function('arm_turn', ['Arm'], arguments=['angle:int16 -360..360']),
        function('arm_mark', ['Arm'], arguments=['first:uint8', 'second:float32']),
        function('say', ['Arm', 'Bench'], arguments=['text:string'], results=['text:string']),
        function(
            'measure',
            ['Bench'],
            arguments=SAMPLE,
            results=['mass:float64', 'ok:bool'],
            timeout_s=600,
        ),
        function('rest', ['Bench']),
        function('lock', ['Bench'], max_in_flight=1),
        function('brief', ['Bench'], timeout_s=0.3),
        function('bake', ['Oven']),
        function('broken', ['Bench'], arguments=['x:float99']),
    ]
