"""Reading a large base: from Airtable's records to a checked specification."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence

import msgspec

from hos_device_layer.core.spec.checks import check_tables
from hos_device_layer.database.airtable.base_schema import BaseRecord, FieldSchema, TableSchema
from hos_device_layer.database.airtable.matching import RememberedIds, columns_of, find_tables
from hos_device_layer.database.airtable.rows import rows_of_tables

from .measurement import Measurement

RECORD_COUNT = 10_000
ROUNDS = 5

_TYPES = 100
_FUNCTIONS = 2_000
_STREAMS = 400

_LINKS = {'device_types': 'devices', 'device_type': 'devices'}


def measure(quick: bool) -> Iterator[Measurement]:
    """Measure parsing, linking and checking 10,000 records in 5 tables, without network access."""
    tables = ('devices', 'apis', 'serializers', 'streams', 'fleet-bench')
    schema = [_schema(table) for table in tables]
    pages = {table: _encoded(records) for table, records in _records().items()}
    times = []
    for _ in range(1 if quick else ROUNDS):
        start = time.process_time()
        records = {
            table: msgspec.json.decode(encoded, type=list[BaseRecord])
            for table, encoded in pages.items()
        }
        found = find_tables(schema, RememberedIds())
        spec = check_tables(rows_of_tables(found.tables, records), found.problems)
        times.append(time.process_time() - start)
        assert not spec.problems
        assert sum(map(len, records.values())) == RECORD_COUNT
    yield Measurement(
        f'reading a specification of {RECORD_COUNT} records',
        statistics.median(times),
        's of CPU time',
        at_most=1.0,
    )


def _encoded(records: Sequence[BaseRecord]) -> bytes:
    return msgspec.json.encode(records)


def _schema(table: str) -> TableSchema:
    return TableSchema(
        f'tbl-{table}', table, tuple(_field(table, c.name) for c in columns_of(table))
    )


def _field(table: str, column: str) -> FieldSchema:
    linked = 'apis' if table == 'serializers' else None
    linked = linked if column == 'function_name' else _LINKS.get(column)
    if linked is None or table == 'devices':
        return FieldSchema(column, column, 'singleLineText')
    return FieldSchema(column, column, 'multipleRecordLinks', {'linkedTableId': f'tbl-{linked}'})


def _records() -> dict[str, list[BaseRecord]]:
    point = 'x:float32 -60..60 [mm]\ny:float32 -60..60 [mm]\nz:float32 -40..40 [mm]'
    devices = RECORD_COUNT - _TYPES - 2 * _FUNCTIONS - _STREAMS
    return {
        'devices': [
            BaseRecord(f'recT{i}', {'device_type': f'Type{i}', 'serialized_api': True})
            for i in range(_TYPES)
        ],
        'apis': [
            BaseRecord(
                f'recF{i}',
                {
                    'function_name': f'function_{i}',
                    'arguments': point,
                    'results': point,
                    'device_types': [f'recT{i % _TYPES}', f'recT{(i + 7) % _TYPES}'],
                    'description': 'Move to a point.',
                },
            )
            for i in range(_FUNCTIONS)
        ],
        'serializers': [
            BaseRecord(f'recS{i}', {'serializer': 'A$B$C$', 'function_name': [f'recF{i}']})
            for i in range(_FUNCTIONS)
        ],
        'streams': [
            BaseRecord(
                f'recM{i}',
                {'stream': f'stream_{i}', 'values': point, 'device_types': [f'recT{i % _TYPES}']},
            )
            for i in range(_STREAMS)
        ],
        'fleet-bench': [
            BaseRecord(
                f'recD{i}',
                {'device_id': f'D{i}', 'device_uid': i, 'device_type': [f'recT{i % _TYPES}']},
            )
            for i in range(devices)
        ],
    }
