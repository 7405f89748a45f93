"""Rows of a table, read as the records that its declaration names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from ..errors import SpecError
from .cells import is_empty
from .schema import SpecTable
from .tables import Problem, Row

T = TypeVar('T', bound=msgspec.Struct)


class CheckedRow(Generic[T]):
    """
    A row, the record that it was read as, and its problems.

    `label` is what a person finds the row by. A cell with a problem reads as empty.
    """

    def __init__(self, table: str, label: str, record: T, problems: list[Problem]) -> None:
        self.table = table
        self.label = label
        self.record = record
        self.problems = problems

    @property
    def is_valid(self) -> bool:
        """Whether no problem was found so far."""
        return not self.problems

    @property
    def problem_text(self) -> str:
        """All problems of the row, as one text."""
        return '; '.join(str(problem) for problem in self.problems)

    def report(self, column: str, text: str) -> None:
        """Add a problem in a cell of this row."""
        self.problems.append(Problem(self.table, self.label, column, text))

    def has_problem(self, column: str) -> bool:
        """Return whether a cell of this row has a problem."""
        return any(problem.column == column for problem in self.problems)


def read_rows(
    table: SpecTable[T], name: str, rows: Iterable[Row], **further: object
) -> list[CheckedRow[T]]:
    """
    Read the rows that are not blank of the table called `name`.

    `further` are the attributes of the records that no column holds.
    """
    return [
        _read_row(table, name, row, position, further)
        for position, row in enumerate(rows, start=1)
        if not all(map(is_empty, row.values()))
    ]


def check_unique(table: SpecTable[T], rows: Sequence[CheckedRow[T]]) -> None:
    """Report the cells of unique columns that appear more than once."""
    for column, attribute in zip(table.columns, table.attributes):
        if column.unique:
            values = [getattr(row.record, attribute) for row in rows]
            counts = Counter(values)
            for row, value in zip(rows, values):
                if counts[value] > 1 and value != column.kind.empty:
                    row.report(
                        column.name, f'{value!r} appears {counts[value]} times; must be unique'
                    )


def valid_records(rows: Iterable[CheckedRow[T]]) -> dict[str, T]:
    """Return the records of the rows without a problem, by label."""
    return {row.label: row.record for row in rows if row.is_valid}


def _read_row(
    table: SpecTable[T], name: str, row: Row, position: int, further: dict[str, object]
) -> CheckedRow[T]:
    values: dict[str, Any] = dict(further)
    label, problems = table.row_label(row, position), []
    for column, attribute in zip(table.columns, table.attributes):
        values[attribute] = column.kind.empty
        cell = row.get(column.name)
        if cell is None and not column.required:
            continue
        try:
            values[attribute] = column.read(cell)
        except SpecError as error:
            problems += [Problem(name, label, column.name, text) for text in error.problems]
    return CheckedRow(name, label, table.record(**values), problems)
