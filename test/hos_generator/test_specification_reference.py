from __future__ import annotations

from hos_device_layer.core.spec.field_types import FieldType
from hos_device_layer.core.spec.spec_tables import FLEETS, SINGLE_TABLES
from hos_generator.specification_reference import render


def test_every_column_is_described_in_a_row_of_its_table() -> None:
    sections = {part.partition('`')[0]: part for part in render().split('\n### `')[1:]}
    for table in (*SINGLE_TABLES, FLEETS):
        section = sections[table.name]
        for column in table.columns:
            (row,) = (row for row in section.split('\n') if row.startswith(f'| `{column.name}` |'))
            assert column.kind.label in row
            assert column.help in row


def test_every_type_has_a_row() -> None:
    for field_type in FieldType:
        assert f'\n| `{field_type.value}` |' in render()
