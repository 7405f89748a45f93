"""Prints and saves outcomes as they come, so that a run that ends early keeps what it has."""

from __future__ import annotations

from pathlib import Path

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .measurement import FailedMeasurement, Measurement, Outcome


class BenchmarkReport:
    """The outcomes so far, on a console and in a JSON file."""

    def __init__(self, console: Console, file: Path) -> None:
        self._console = console
        self._file = file
        self._outcomes: list[Outcome] = []
        self._save()

    @property
    def is_good(self) -> bool:
        """Whether all values are within their limits and no measurement failed."""
        return all(outcome.is_good for outcome in self._outcomes)

    def add(self, outcome: Outcome) -> None:
        """Print and save an outcome."""
        self._outcomes.append(outcome)
        self._save()
        self._console.print(escape(str(outcome)))

    def print_summary(self) -> None:
        """Print all outcomes and their limits."""
        table = Table('measurement', 'value', 'unit', 'limit', 'within limit')
        for outcome in self._outcomes:
            table.add_row(*_row(outcome))
        self._console.print(table)

    def _save(self) -> None:
        encoded = msgspec.json.format(msgspec.json.encode(self._outcomes))
        temporary = self._file.with_name(f'{self._file.name}.tmp')
        temporary.write_bytes(encoded)
        temporary.replace(self._file)


def _row(outcome: Outcome) -> tuple[str, ...]:
    name = escape(outcome.name)
    match outcome:
        case FailedMeasurement(error=error):
            return name, f'[red]{escape(error)}', '', '', '[red]failed'
        case Measurement(value=value, unit=unit, limit=limit):
            verdict = ('yes' if outcome.is_good else '[red]no') if limit else ''
            return name, f'{value:.4g}', unit, limit, verdict
