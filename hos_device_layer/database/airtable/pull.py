"""A whole base read into tables, or an error: never a part of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from ...core.errors import DatabaseError
from ...core.spec.checks import check_tables
from ...core.spec.records import Spec
from ...core.spec.spec_tables import FLEETS, SINGLE_TABLE_NAMES
from ...core.spec.tables import Row
from .base_schema import BaseRecord
from .client import Airtable
from .matching import Found, Memory, find_tables
from .requests import RejectedError
from .rows import rows_of_tables

# A column was deleted after the schema was read.
_OUTDATED_SCHEMA = 'UNKNOWN_FIELD_NAME'


class Reading(msgspec.Struct, frozen=True):
    """What stands in a base; `records` and `tables` go by table name, row by row."""

    found: Found
    records: Mapping[str, Sequence[BaseRecord]]
    tables: Mapping[str, Sequence[Row]]

    def check(self) -> Spec:
        """Judge what was read."""
        return check_tables(self.tables, self.found.problems)


def read_base(airtable: Airtable, memory: Memory) -> Reading:
    """
    Read every table of the specification: one call for the schema and one for each 100 rows.

    Raises DatabaseError.
    """
    try:
        return _read_once(airtable, memory)
    except RejectedError as error:
        if error.type != _OUTDATED_SCHEMA:
            raise
    return _read_once(airtable, memory)


def _read_once(airtable: Airtable, memory: Memory) -> Reading:
    found = find_tables(airtable.schema(), memory)
    if not found.tables:
        raise DatabaseError(
            f'the base has no table of a specification ({", ".join(SINGLE_TABLE_NAMES)}, '
            f'{FLEETS.name}); check AIRTABLE_BASE_ID, or run `hos db init`'
        )
    records = {
        table.name: airtable.records(table.schema, table.columns.values()) if table.columns else []
        for table in found.tables
    }
    return Reading(found, records, rows_of_tables(found.tables, records))
