"""How a table of the specification is declared: its columns, and what their cells hold."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar, get_type_hints

import msgspec

from ..errors import SpecError
from ..text import shortened
from . import cells
from .field_types import Field
from .serializers import Serializer
from .tables import Row

# As the target of a link: the table that holds the column.
THIS_TABLE = 'this table'

T = TypeVar('T', bound=msgspec.Struct)


def _flag_text(value: bool) -> str:
    return 'yes' if value else ''


def _number_text(value: float | None) -> str:
    return '' if value is None else str(value)


def _fields_text(value: Iterable[Field]) -> str:
    return ', '.join(field.to_text() for field in value)


def _template_text(value: Serializer | None) -> str:
    return '' if value is None else value.template


class Kind(enum.Enum):
    """
    What the cells of a column hold.

    `read` converts a cell that is not empty or raises SpecError; an empty one reads as `empty`.
    `to_text` shows what was read. The cells of a link name rows of a table, those of a list hold
    any number of items.
    """

    NAME = 'name', cells.as_name, '', str
    TOPIC_NAME = 'topic name', cells.as_topic_name, '', str
    TEXT = 'text', cells.as_text, '', str
    LONG_TEXT = 'long text', cells.as_text, '', str
    CHOICE = 'choice', cells.as_text, '', str
    CHECKBOX = 'checkbox', cells.as_flag, False, _flag_text
    INTEGER = 'integer', cells.as_integer, None, _number_text
    SECONDS = 'seconds', cells.as_seconds, None, _number_text
    FIELDS = 'list of fields', cells.as_fields, (), _fields_text
    LINK = 'link', cells.as_link, '', str
    LINKS = 'links', cells.as_list, (), ', '.join
    TEMPLATE = 'template', cells.as_template, None, _template_text

    def __init__(
        self,
        label: str,
        read: Callable[[object], object],
        empty: object,
        to_text: Callable[[Any], str],
    ) -> None:
        self.label = label
        self.read = read
        self.empty = empty
        self.to_text = to_text
        # Computed once: they are asked for with every cell.
        self.is_link = read in (cells.as_link, cells.as_list)
        self.is_list = empty == ()


class Column(msgspec.Struct, frozen=True):
    """
    One column: everything that reading, checks, files, Airtable and documentation know of it.

    A cell of a `required` column must not be empty, and those of a `unique` one must differ.
    An `optional` column may be absent from a base without a problem. `when_empty` says what an
    empty cell means. `low` and `high` limit numbers, `max_items` lists. In the local copy,
    `after_name` puts the column right after the name of the row, and a list of one item is
    written without its brackets where `one_as_text` is set.
    """

    name: str
    kind: Kind
    help: str
    links_to: str = ''
    required: bool = False
    unique: bool = False
    optional: bool = False
    when_empty: str = ''
    choices: tuple[str, ...] = ()
    low: int | None = None
    high: int | None = None
    max_items: int | None = None
    after_name: bool = False
    one_as_text: bool = False

    def read(self, cell: object) -> Any:
        """Read a cell; raises SpecError."""
        value: Any = self.kind.empty if cells.is_empty(cell) else self.kind.read(cell)
        if value == self.kind.empty:
            if self.required:
                raise SpecError(self._empty_text())
        elif self.kind is Kind.INTEGER:
            self._check_range(value, cell)
        elif self.max_items is not None and len(value) > self.max_items:
            raise SpecError(f'expected at most {self.max_items} items, got {len(value)}')
        return value

    def target(self, table: str) -> str:
        """Return the table whose rows the cells of this column in `table` name."""
        return table if self.links_to == THIS_TABLE else self.links_to

    @property
    def is_written_as_text(self) -> bool:
        """Whether the local copy writes a cell with one name as text."""
        return self.one_as_text or not self.kind.is_list

    @property
    def range_text(self) -> str:
        """The range as `low..high`, open where there is no limit; '' if there is none at all."""
        if self.low is None and self.high is None:
            return ''
        low, high = ('' if limit is None else limit for limit in (self.low, self.high))
        return f'{low}..{high}'

    def describe(self) -> str:
        """Say what the cells hold and what an empty one means."""
        return f'{self.help} Empty: {self.when_empty}.' if self.when_empty else self.help

    def _empty_text(self) -> str:
        if self.kind.is_link:
            return f'is empty; link it to a row of the table {self.links_to!r}'
        return 'is empty; enter a value'

    def _check_range(self, value: int, cell: object) -> None:
        if (self.low is not None and value < self.low) or (
            self.high is not None and value > self.high
        ):
            raise SpecError(f'expected {self.range_text}, got {shortened(cell)}')


class SpecTable(msgspec.Struct, Generic[T], frozen=True):
    """
    One table, or all tables of fleets: the record that a row is read as, and its columns.

    `columns` are in the order of the local copy, the first one names the rows; `attributes` are
    the attributes of the record that hold them. `key` is the column that tells the rows from each
    other. The table may also have one of the `other_names`.
    """

    name: str
    record: type[T]
    help: str
    columns: tuple[Column, ...]
    attributes: tuple[str, ...]
    key: Column
    other_names: tuple[str, ...] = ()

    @property
    def name_column(self) -> Column:
        """The column that names the rows."""
        return self.columns[0]

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that the table may have, the usual one first."""
        return (self.name, *self.other_names)

    def row_label(self, row: Row, position: int) -> str:
        """Return what a person finds a row by: its name, or `#3` for the third without one."""
        name = row.get(self.name_column.name)
        if cells.is_empty(name):
            return f'#{position}'
        return name.strip() if isinstance(name, str) else shortened(name)

    def cell_texts(self, record: T) -> dict[str, str]:
        """Return the cells of a record as text, by column, without its key."""
        return {
            column.name: column.kind.to_text(getattr(record, attribute))
            for column, attribute in zip(self.columns, self.attributes)
            if column is not self.key
        }


def declare_table(
    name: str, record: type[T], help_: str, key: str = '', other_names: tuple[str, ...] = ()
) -> SpecTable[T]:
    """Return a table with the columns that the attributes of `record` are annotated with."""
    declared = _annotated_columns(record)
    name_attribute = next(iter(declared))
    attributes = sorted(declared, key=lambda a: (a != name_attribute, not declared[a].after_name))
    return SpecTable(
        name,
        record,
        help_,
        tuple(declared[attribute] for attribute in attributes),
        tuple(attributes),
        declared[key or name_attribute],
        other_names,
    )


def _annotated_columns(record: type) -> Mapping[str, Column]:
    return {
        attribute: column
        for attribute, hint in get_type_hints(record, include_extras=True).items()
        for column in getattr(hint, '__metadata__', ())
        if isinstance(column, Column)
    }
