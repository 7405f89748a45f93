"""An Airtable base as its web API describes it: https://airtable.com/developers/web/api."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

LINK = 'multipleRecordLinks'
CHECKBOX = 'checkbox'
NUMBER_TYPES = frozenset({'number', 'currency', 'percent', 'duration', 'rating'})
TEXT_TYPES = frozenset(
    {'singleLineText', 'multilineText', 'richText', 'singleSelect', 'email', 'url', 'phoneNumber'}
)


class FieldSchema(msgspec.Struct, frozen=True):
    """A column."""

    id: str
    name: str
    type: str
    options: Mapping[str, Any] | None = None

    @property
    def linked_table_id(self) -> str | None:
        """The id of the linked table; None if the column is not a link."""
        if self.type != LINK or not self.options:
            return None
        linked = self.options.get('linkedTableId')
        return linked if isinstance(linked, str) else None

    @property
    def is_writable(self) -> bool:
        """Whether its cells can be written; those of formulas, lookups and so on cannot."""
        return self.type in (LINK, CHECKBOX, *NUMBER_TYPES, *TEXT_TYPES)


class TableSchema(msgspec.Struct, frozen=True):
    """A table and its columns."""

    id: str
    name: str
    fields: tuple[FieldSchema, ...]


class BaseRecord(msgspec.Struct, frozen=True):
    """A row; its cells go by column id, empty ones are absent."""

    id: str
    fields: Mapping[str, Any]
