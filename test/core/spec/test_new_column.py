"""A column is added to a copy of the source tree, in one place; everything else follows."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from project import ROOT

RECORDS = Path('hos_device_layer/core/spec/records.py')

NEW_COLUMN = """\
    weight_g: Annotated[
        int | None,
        Column(
            'weight_g',
            Kind.INTEGER,
            'What a device of this type weighs, in grams.',
            when_empty='unknown',
            optional=True,
            low=1,
            high=9000,
        ),
    ] = None
"""

# Prints what each part of the program makes of the column.
PROGRAM = """\
import json, sys
from pathlib import Path

from hos_device_layer.core.spec.checks import check_tables
from hos_device_layer.core.spec.diff import diff_specs
from hos_device_layer.database import LocalCopy
from hos_device_layer.database.airtable.base_schema import BaseRecord, FieldSchema, TableSchema
from hos_device_layer.database.airtable.layout import missing_parts
from hos_device_layer.database.airtable.matching import RememberedIds, find_tables
from hos_device_layer.database.airtable.rows import rows_of_tables
from hos_generator.specification_reference import render

def spec(weight):
    return check_tables({'devices': [{'device_type': 'Pump', 'weight_g': weight}]})

copy = LocalCopy(Path(sys.argv[1]))
row = {'description': 'x', 'weight_g': 250, 'device_type': 'Pump', 'ros_target': 'r'}
copy.write({'devices': [row]})

def found(*columns):
    fields = tuple(FieldSchema(name, name, 'number') for name in columns)
    return find_tables([TableSchema('tbl', 'devices', fields)], RememberedIds())

base = found('device_type', 'device_role', 'serialized_api', 'weight_g')
records = {'devices': [BaseRecord('rec', {'device_type': 'Pump', 'weight_g': 250.0})]}
parts = missing_parts([], RememberedIds(), [])
(devices,) = (part for part in parts if getattr(part, 'name', '') == 'devices')

print(json.dumps({
    'read': spec('250').device_types['Pump'].weight_g,
    'absent': spec(None).device_types['Pump'].weight_g,
    'problem': [p.text for p in spec(0).problems if p.column == 'weight_g'],
    'diff': [str(change) for change in diff_specs(spec(250), spec(300))],
    'file': (copy.folder / 'devices.yaml').read_text().splitlines()[2:],
    'read back': copy.read().device_types['Pump'].weight_g,
    'layout': [field for field in devices.fields if field['name'] == 'weight_g'],
    'matched': list(base.tables[0].columns),
    'row': rows_of_tables(base.tables, records)['devices'],
    'missing': [p.column for p in found('device_type', 'serialized_api').problems],
    'reference': [line for line in render().splitlines() if line.startswith('| `weight_g`')],
}))
"""


@pytest.fixture(scope='module')
def made_of_it(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a program with one more column makes of it."""
    tree = tmp_path_factory.mktemp('tree')
    for package in ('hos_device_layer', 'hos_generator'):
        shutil.copytree(ROOT / package, tree / package, ignore=shutil.ignore_patterns('*.pyc'))
    source = (tree / RECORDS).read_text()
    before, ros_target, after = source.partition('    ros_target: Annotated[\n')
    assert ros_target
    (tree / RECORDS).write_text(before + NEW_COLUMN + ros_target + after)
    output = subprocess.check_output(
        [sys.executable, '-c', PROGRAM, str(tree / 'copy')],
        cwd=tree,
        env={**os.environ, 'PYTHONPATH': os.pathsep.join([str(tree), *sys.path])},
    )
    made: dict[str, Any] = json.loads(output)
    return made


def test_it_is_read(made_of_it: dict[str, Any]) -> None:
    assert made_of_it['read'] == 250
    assert made_of_it['absent'] is None


def test_it_is_checked(made_of_it: dict[str, Any]) -> None:
    assert made_of_it['problem'] == ['expected 1..9000, got 0']


def test_its_changes_are_found(made_of_it: dict[str, Any]) -> None:
    assert made_of_it['diff'] == [
        "table 'devices', row 'Pump', column 'weight_g': changed from '250' to '300'"
    ]


def test_the_local_copy_holds_it_in_its_place(made_of_it: dict[str, Any]) -> None:
    assert made_of_it['file'] == [
        '- device_type: Pump',
        '  weight_g: 250',
        '  ros_target: r',
        '  description: x',
    ]
    assert made_of_it['read back'] == 250


def test_airtable_gets_it_with_kind_and_description(made_of_it: dict[str, Any]) -> None:
    assert made_of_it['layout'] == [
        {
            'name': 'weight_g',
            'type': 'number',
            'options': {'precision': 0},
            'description': 'What a device of this type weighs, in grams. Empty: unknown.',
        }
    ]


def test_it_is_matched_in_a_base_and_may_be_absent(made_of_it: dict[str, Any]) -> None:
    assert made_of_it['matched'] == ['device_type', 'device_role', 'serialized_api', 'weight_g']
    assert made_of_it['row'] == [{'device_type': 'Pump', 'weight_g': 250}]
    assert made_of_it['missing'] == ['device_role']


def test_the_reference_describes_it(made_of_it: dict[str, Any]) -> None:
    assert made_of_it['reference'] == [
        '| `weight_g` | integer, 1..9000 | no; the column may be absent | '
        'What a device of this type weighs, in grams. Empty: unknown. |'
    ]
