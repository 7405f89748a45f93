from __future__ import annotations

import re
from pathlib import Path

import pytest

from hos_device_layer.core.spec.checks import check_tables
from hos_device_layer.core.spec.digest import spec_digest
from hos_device_layer.core.spec.records import Spec
from hos_device_layer.core.spec.tables import Row
from hos_device_layer.database import LocalCopy
from hos_device_layer.database.installed import installed_device_db

FUNCTION: Row = {
    'function_name': 'go',
    'arguments': ['x:float32 -60..60 [mm]', 'fast:bool'],
    'results': ['y:int8', 'z:int8'],
    'device_types': ['Pump'],
}
STOP: Row = {'function_name': 'stop', 'device_types': ['Pump']}
STREAM: Row = {'stream': 'level', 'values': ['x:bool'], 'device_types': ['Pump']}


def spec(
    *functions: Row, stream: Row = STREAM, types: tuple[str, ...] = ('Pump', 'Arm'), **more: object
) -> Spec:
    read = check_tables(
        {
            'devices': [{'device_type': name} for name in types],
            'apis': functions,
            'serializers': [],
            'streams': [stream],
            'fleet-a': [{'device_id': 'P1', 'device_uid': 1, 'device_type': 'Pump', **more}],
        }
    )
    assert read.problems == ()
    return read


DIGEST = spec_digest(spec(FUNCTION, STOP))


def test_it_is_a_short_text_and_the_same_in_every_process() -> None:
    assert re.fullmatch('[0-9a-f]{16}', DIGEST)
    # Generated files contain it: if it changes, all of them must be generated again.
    assert DIGEST == 'bb16acd699a54e2f'


@pytest.mark.parametrize(
    'same',
    [
        spec(STOP, FUNCTION),
        spec({**FUNCTION, 'arguments': 'x : float32  -60.0..60.0 [mm], fast:bool'}, STOP),
        spec({**FUNCTION, 'description': 'Go.', 'timeout_s': 3, 'max_in_flight': 1}, STOP),
        spec({**FUNCTION, 'device_types': ['Arm', 'Pump']}, STOP),
        spec(FUNCTION, STOP, stream={**STREAM, 'description': 'How full it is.'}),
        spec(FUNCTION, STOP, types=('Arm', 'Pump')),
        spec(FUNCTION, STOP, device_uid=2, child_device=''),
    ],
)
def test_what_callers_do_not_depend_on_leaves_it_as_it_is(same: Spec) -> None:
    assert spec_digest(same) == DIGEST


@pytest.mark.parametrize(
    'other',
    [
        spec(FUNCTION),
        spec({**FUNCTION, 'function_name': 'went'}, STOP),
        spec({**FUNCTION, 'arguments': ['fast:bool', 'x:float32 -60..60 [mm]']}, STOP),
        spec({**FUNCTION, 'arguments': ['x:float32 -60..61 [mm]', 'fast:bool']}, STOP),
        spec({**FUNCTION, 'arguments': ['x:float32 -60..60 [cm]', 'fast:bool']}, STOP),
        spec({**FUNCTION, 'arguments': ['x:float64 -60..60 [mm]', 'fast:bool']}, STOP),
        spec({**FUNCTION, 'results': ['y:int8']}, STOP),
        spec({**FUNCTION, 'arguments': [], 'results': FUNCTION['arguments']}, STOP),
        spec(FUNCTION, STOP, stream={**STREAM, 'stream': 'height'}),
        spec(FUNCTION, STOP, stream={**STREAM, 'values': ['x:int8']}),
    ],
)
def test_what_callers_depend_on_changes_it(other: Spec) -> None:
    assert spec_digest(other) != DIGEST


def test_a_local_copy_that_is_written_again_has_the_same_digest(tmp_path: Path) -> None:
    installed, copy = LocalCopy(installed_device_db()), LocalCopy(tmp_path)
    tables, _ = installed.read_tables()
    copy.write(dict(reversed(tables.items())))
    assert spec_digest(copy.read()) == spec_digest(installed.read()) != spec_digest(Spec())
