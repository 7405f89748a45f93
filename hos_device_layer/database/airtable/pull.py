"""Read a base as a whole, or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from ...core.errors import DatabaseError
from ...core.spec.checks import check_tables
from ...core.spec.records import Spec
from ...core.spec.spec_tables import FLEETS, SINGLE_TABLE_NAMES
from ...core.spec.tables import Row
from ...source_tree import HOS
from .base_schema import BaseRecord
from .client import Airtable
from .matching import MatchedBase, RememberedIds, find_tables
from .requests import RejectedError
from .rows import rows_of_tables

# A column was deleted after the schema was read.
_OUTDATED_SCHEMA = 'UNKNOWN_FIELD_NAME'


class BaseSnapshot(msgspec.Struct, frozen=True):
    """A base as it was read; `records` and `tables` go by table name, row by row."""

    matched: MatchedBase
    records: Mapping[str, Sequence[BaseRecord]]
    tables: Mapping[str, Sequence[Row]]

    def check(self) -> Spec:
        """Check the specification that was read."""
        return check_tables(self.tables, self.matched.problems)


def read_base(airtable: Airtable, remembered: RememberedIds) -> BaseSnapshot:
    """
    Read every table of the specification: one call for the schema and one per 100 rows.

    Raises DatabaseError.
    """
    try:
        return _read_once(airtable, remembered)
    except RejectedError as error:
        if error.type != _OUTDATED_SCHEMA:
            raise
    return _read_once(airtable, remembered)


def _read_once(airtable: Airtable, remembered: RememberedIds) -> BaseSnapshot:
    found = find_tables(airtable.schema(), remembered)
    if not found.tables:
        raise DatabaseError(
            f'the base has no table of a specification ({", ".join(SINGLE_TABLE_NAMES)}, '
            f'{FLEETS.name}); check AIRTABLE_BASE_ID, or create the tables with `{HOS} db init`'
        )
    records = {
        table.name: airtable.records(table.schema, table.columns.values()) if table.columns else []
        for table in found.tables
    }
    return BaseSnapshot(found, records, rows_of_tables(found.tables, records))
