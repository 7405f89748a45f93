from __future__ import annotations

from hos_device_layer.core.spec.tables import Row
from hos_device_layer.database.airtable.base_schema import BaseRecord, FieldSchema, TableSchema
from hos_device_layer.database.airtable.matching import MatchedTable
from hos_device_layer.database.airtable.record_changes import RecordChanges, find_changes

FIELDS = {
    'device_id': FieldSchema('fId', 'device_id', 'singleLineText'),
    'device_uid': FieldSchema('fUid', 'device_uid', 'number'),
    'device_type': FieldSchema(
        'fType', 'device_type', 'multipleRecordLinks', {'linkedTableId': 'tblD'}
    ),
    'serial_info': FieldSchema('fInfo', 'serial_info', 'formula'),
    'problems': FieldSchema('fProblems', 'problems', 'multilineText'),
}
FLEET = MatchedTable('fleet-a', TableSchema('tblA', 'fleet-a', tuple(FIELDS.values())), FIELDS)
NAMES = {'tblD': {'recPump': 'Pump', 'recTwin': 'Pump', 'recArm': 'Arm'}}
RECORD = BaseRecord('rec1', {'fId': 'P1', 'fUid': 7, 'fType': ['recPump'], 'fProblems': 'old'})


def changes(*rows: Row, records: tuple[BaseRecord, ...] = (RECORD,)) -> RecordChanges:
    return find_changes(FLEET, rows, records, NAMES)


def test_equal_rows_need_no_change() -> None:
    row = {'device_id': 'P1', 'device_uid': '7', 'device_type': ['Pump']}
    found = changes({**row, 'device_uid': 7.0})
    assert found.is_empty
    assert found.only_in_base == 0
    assert changes(row).is_empty, 'a number may be written as text'


def test_a_row_is_added_with_links_to_the_first_record_of_a_name() -> None:
    found = changes({'device_id': 'P2', 'device_type': 'Pump', 'serial_info': 'x'})
    assert found.additions == [{'fId': 'P2', 'fType': ['recPump']}]
    assert found.changes == {}
    assert found.only_in_base == 1


def test_changed_cells_are_written_and_missing_ones_emptied() -> None:
    found = changes({'device_id': 'P1', 'device_type': 'Arm'})
    assert found.additions == []
    assert found.changes == {'rec1': {'fUid': None, 'fType': ['recArm']}}


def test_a_link_to_a_row_that_does_not_exist_yet_is_skipped() -> None:
    found = changes({'device_id': 'P2', 'device_type': 'Leg'}, records=())
    assert found.additions == [{'fId': 'P2'}]


def test_rows_without_a_key_and_repeated_keys_are_skipped() -> None:
    found = changes(
        {'device_uid': 1},
        {'device_id': 'P2', 'device_uid': 2},
        {'device_id': 'P2', 'device_uid': 3},
        records=(),
    )
    assert found.additions == [{'fId': 'P2', 'fUid': 2}]


def test_the_rows_of_serializers_differ_by_their_function() -> None:
    fields = {
        'serializer': FieldSchema('fText', 'serializer', 'singleLineText'),
        'function_name': FieldSchema('fName', 'function_name', 'singleLineText'),
    }
    table = MatchedTable('serializers', TableSchema('t', 'serializers', ()), fields)
    rows = [{'serializer': 'Q', 'function_name': name} for name in ('go', 'stop')]
    present = [BaseRecord('rec1', {'fText': 'Q', 'fName': 'stop'})]
    assert find_changes(table, rows, present, {}).additions == [{'fText': 'Q', 'fName': 'go'}]
