"""Parts of Markdown pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; `|` in a cell is escaped."""
    lines = [head, ['---'] * len(head), *rows]
    return ''.join(f'| {" | ".join(_escaped(line))} |\n' for line in lines)


def _escaped(cells: Iterable[str]) -> Iterator[str]:
    return (cell.replace('|', '\\|') for cell in cells)
