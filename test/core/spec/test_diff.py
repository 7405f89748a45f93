from __future__ import annotations

import pytest

from hos_device_layer.core.spec.checks import check_tables
from hos_device_layer.core.spec.diff import LISTED_CHANGES, describe_changes, diff_specs
from hos_device_layer.core.spec.records import Spec
from hos_device_layer.core.spec.tables import Row, Tables

TABLES: dict[str, list[dict[str, object]]] = {
    'devices': [{'device_type': 'Pump', 'serialized_api': True}],
    'apis': [{'function_name': 'go', 'arguments': ['x:uint8'], 'device_types': ['Pump']}],
    'serializers': [{'serializer': 'G$', 'function_name': 'go'}],
    'streams': [{'stream': 'level', 'values': ['x:bool'], 'device_types': ['Pump']}],
    'fleet-a': [
        {'device_id': 'P1', 'device_uid': 1, 'device_type': 'Pump'},
        {'device_id': 'P2', 'device_type': 'Pump'},
    ],
}


def spec(**tables: list[dict[str, object]]) -> Spec:
    merged: Tables = {**TABLES, **{name.replace('_', '-'): rows for name, rows in tables.items()}}
    return check_tables(merged)


def changed(table: str, position: int, **cells: object) -> Spec:
    rows: list[Row] = [dict(row) for row in TABLES[table]]
    rows[position] = {**rows[position], **cells}
    return check_tables({**TABLES, table: rows})


def texts(old: Spec, new: Spec) -> list[str]:
    return [str(change) for change in diff_specs(old, new)]


def test_a_specification_does_not_differ_from_itself() -> None:
    assert diff_specs(spec(), spec()) == ()
    assert describe_changes(()) == 'nothing changed'


@pytest.mark.parametrize(
    ('table', 'position', 'column', 'cell', 'row', 'text'),
    [
        ('devices', 0, 'device_role', 'Haive', 'Pump', "changed from empty to 'Haive'"),
        ('devices', 0, 'serialized_api', False, 'Pump', "changed from 'yes' to empty"),
        ('apis', 0, 'arguments', ['x:int8'], 'go', "changed from 'x:uint8' to 'x:int8'"),
        ('apis', 0, 'results', ['y:bool'], 'go', "changed from empty to 'y:bool'"),
        ('apis', 0, 'timeout_s', 2, 'go', "changed from empty to '2.0'"),
        ('apis', 0, 'max_in_flight', 2, 'go', "changed from empty to '2'"),
        ('serializers', 0, 'serializer', 'H$', 'go', "changed from 'G$' to 'H$'"),
        ('streams', 0, 'values', ['x:int8'], 'level', "changed from 'x:bool' to 'x:int8'"),
        ('fleet-a', 1, 'device_uid', 2, 'P2', "changed from empty to '2'"),
        ('fleet-a', 0, 'child_device', 'P2', 'P1', "changed from empty to 'P2'"),
    ],
)
def test_a_changed_cell_is_named(
    table: str, position: int, column: str, cell: object, row: str, text: str
) -> None:
    new = changed(table, position, **{column: cell})
    assert new.problems == ()
    assert texts(spec(), new) == [f'table {table!r}, row {row!r}, column {column!r}: {text}']


def test_rows_are_added_and_removed() -> None:
    fewer = spec(fleet_a=TABLES['fleet-a'][:1])
    assert texts(fewer, spec()) == ["table 'fleet-a', row 'P2': added"]
    assert texts(spec(), fewer) == ["table 'fleet-a', row 'P2': removed"]


def test_a_row_with_a_problem_is_rejected_and_can_be_used_again() -> None:
    broken = changed('fleet-a', 0, device_uid=-1)
    (text,) = texts(spec(), broken)
    assert text.startswith(
        "table 'fleet-a', row 'P1', column 'device_uid': rejected: expected 0.."
    )
    assert texts(broken, spec()) == ["table 'fleet-a', row 'P1': can be used again"]


def test_a_new_row_with_a_problem_is_told() -> None:
    more = spec(streams=[*TABLES['streams'], {'stream': 'two words'}])
    assert {change.row for change in diff_specs(spec(), more)} == {'two words'}


def test_a_missing_table_is_told() -> None:
    tables = {name: rows for name, rows in TABLES.items() if name != 'streams'}
    assert "table 'streams': is missing; add the table" in texts(spec(), check_tables(tables))


def test_of_many_changes_the_first_are_listed() -> None:
    many = [{'device_id': f'P{n:03}', 'device_type': 'Pump'} for n in range(100)]
    changes = diff_specs(spec(fleet_a=[]), spec(fleet_a=many))
    text = describe_changes(changes)
    assert text.startswith("100 changes: table 'fleet-a', row 'P000': added; ")
    assert text.endswith(f'; and {100 - LISTED_CHANGES} more')
    assert describe_changes(changes[:1]).startswith('1 change: ')
