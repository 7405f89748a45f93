from __future__ import annotations

import pytest

from hos_device_layer.core.spec.schema import Column, Kind
from hos_device_layer.database.airtable.layout import field_of
from hos_device_layer.testing.airtable.model import PRIMARY_TYPES, WRITABLE_TYPES


@pytest.mark.parametrize('kind', Kind)
def test_airtable_holds_every_kind_of_column(kind: Kind) -> None:
    field = field_of(Column('x', kind, 'A column.', when_empty='nothing'))
    assert field['name'] == 'x'
    assert field['type'] in WRITABLE_TYPES
    assert field['description'] == 'A column. Empty: nothing.'


@pytest.mark.parametrize('kind', [Kind.NAME, Kind.TOPIC_NAME, Kind.TEMPLATE])
def test_a_name_can_be_the_first_column_of_a_table(kind: Kind) -> None:
    assert field_of(Column('x', kind, 'A column.'))['type'] in PRIMARY_TYPES


def test_choices_are_offered() -> None:
    field = field_of(Column('x', Kind.CHOICE, 'A column.', choices=('Haive', 'Bridge')))
    assert field['options'] == {'choices': [{'name': 'Haive'}, {'name': 'Bridge'}]}
