"""Reads the message and service definitions of `hos_interfaces`, with their comments."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parents[1] / 'hos_interfaces'

_SECTION_END = '---'


class DefinedField(NamedTuple):
    """A field of a message, and its comment."""

    type: str
    name: str
    comment: str


class DefinedInterface(NamedTuple):
    """A message, with one section of fields, or a service, with its request and its response."""

    name: str
    description: str
    sections: tuple[tuple[DefinedField, ...], ...]


def read_interfaces(kind: str) -> list[DefinedInterface]:
    """Return the interfaces of a kind, 'msg' or 'srv', sorted by name."""
    return [_read(path) for path in sorted((FOLDER / kind).glob(f'*.{kind}'))]


def _read(path: Path) -> DefinedInterface:
    head, _, body = path.read_text(encoding='utf-8').partition('\n\n')
    description = ' '.join(line.removeprefix('#').strip() for line in head.splitlines())
    sections: list[list[DefinedField]] = [[]]
    for line in body.splitlines():
        if line == _SECTION_END:
            sections.append([])
        elif line.strip():
            declaration, _, comment = line.partition('#')
            field_type, name = declaration.split()
            sections[-1].append(DefinedField(field_type, name, comment.strip()))
    return DefinedInterface(path.stem, description, tuple(map(tuple, sections)))
