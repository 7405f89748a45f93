from __future__ import annotations

import pytest

from hos_device_layer.core.errors import DatabaseError
from hos_device_layer.database.airtable.client import Airtable
from hos_device_layer.database.airtable.matching import RememberedIds
from hos_device_layer.database.airtable.pull import read_base
from hos_device_layer.testing.airtable import RunningAirtable, StoredBase


def test_a_base_without_any_table_of_a_specification_is_an_error(airtable: Airtable) -> None:
    with pytest.raises(DatabaseError, match='the base has no table of a specification'):
        read_base(airtable, RememberedIds())


def test_a_column_deleted_while_it_is_read_makes_it_read_again(
    filled: RunningAirtable, airtable: Airtable
) -> None:
    base: list[StoredBase] = []
    filled.edit(base.append)

    def delete() -> None:
        apis = base[0].table('apis')
        apis.fields = [field for field in apis.fields if field.name != 'results']

    apis_id = filled.edit(lambda base: base.table('apis').id)
    filled.faults.before(delete, path=apis_id)
    snapshot = read_base(airtable, RememberedIds())
    assert "column 'results': is missing" in str(snapshot.matched.problems[0])
