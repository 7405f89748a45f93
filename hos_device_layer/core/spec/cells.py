"""How the cells of a table are read: each function converts one cell or raises SpecError."""

from __future__ import annotations

import re
from collections import Counter

from ..errors import SpecError, ValueMismatchError
from ..text import shortened
from .field_types import Field, FieldType
from .serializers import Serializer

# Stream names are part of a topic name: https://design.ros2.org/articles/topic_and_service_names.html
MAX_TOPIC_NAME = 100  # of the 247 characters of a topic, with room for a namespace
_TOPIC_NAME = re.compile(rf'[A-Za-z][A-Za-z0-9_]{{,{MAX_TOPIC_NAME - 1}}}')

# Thirty years: for no limit, leave the cell empty.
MAX_SECONDS = 1e9

_UINT64_MAX = 2**64 - 1


def is_empty(cell: object) -> bool:
    """Return whether a cell holds nothing; an unticked checkbox is empty too."""
    if isinstance(cell, str):
        return not cell.strip()
    return cell is None or cell is False or (isinstance(cell, (list, tuple)) and not cell)


def as_text(cell: object) -> str:
    """Read a text without the spaces around it."""
    return _text(cell).strip()


def as_name(cell: object) -> str:
    """Read a text on one line, without control characters."""
    name = as_text(cell)
    if not name.isprintable():
        raise SpecError(f'{shortened(name)} contains a control character or line break; remove it')
    return name


def as_topic_name(cell: object) -> str:
    """Read a name that may be part of the name of a topic."""
    name = as_name(cell)
    if name and not _TOPIC_NAME.fullmatch(name):
        raise SpecError(
            f'expected letters, digits and _, starting with a letter, at most {MAX_TOPIC_NAME} '
            f'characters; got {shortened(name)}'
        )
    return name


def as_flag(cell: object) -> bool:
    """Read a checkbox."""
    if isinstance(cell, bool):
        return cell
    raise SpecError(f'expected true or false, got {shortened(cell)}')


def as_integer(cell: object) -> int:
    """Read a number without a fractional part."""
    number = _number(cell)
    if not number.is_integer():
        raise SpecError(f'expected an integer, got {shortened(cell)}')
    return int(number)


def as_seconds(cell: object) -> float:
    """Read a positive number of seconds."""
    number = _number(cell)
    if not 0 < number <= MAX_SECONDS:
        raise SpecError(
            f'expected a number of seconds above 0, at most {MAX_SECONDS:.0f}; '
            f'got {shortened(cell)}'
        )
    return number


def as_list(cell: object) -> tuple[str, ...]:
    """Split a list: an array of texts, or one text with commas or line breaks outside `[]`."""
    if isinstance(cell, (list, tuple)):
        items = [_text(item).strip() for item in cell]
    else:
        items = _split_items(_text(cell))
    return tuple(item for item in items if item)


def as_link(cell: object) -> str:
    """Read a list with exactly one name; an empty one reads as ''."""
    names = as_list(cell)
    if len(names) > 1:
        raise SpecError(f'expected a link to one row, got {len(names)} links; remove the others')
    return names[0] if names else ''


def as_fields(cell: object) -> tuple[Field, ...]:
    """Read a list of field declarations with different names."""
    fields: list[Field] = []
    problems: list[str] = []
    for text in as_list(cell):
        try:
            fields.append(Field.from_text(text))
        except SpecError as error:
            problems += error.problems
    for name, count in Counter(field.name for field in fields).items():
        if count > 1:
            problems.append(f'{name!r} appears {count} times; field names must be unique')
    if problems:
        raise SpecError(*problems)
    return tuple(fields)


def as_template(cell: object) -> Serializer:
    """Read the template of a serialized command."""
    return Serializer(as_text(cell))


def _split_items(text: str) -> list[str]:
    items = []
    for line in text.split('\n'):
        start, in_unit = 0, False
        for position, character in enumerate(line):
            if character == ',' and not in_unit:
                items.append(line[start:position].strip())
                start = position + 1
            elif character in '[]':
                in_unit = character == '['
        items.append(line[start:].strip())
    return items


def _text(cell: object) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, int) and not isinstance(cell, bool) and abs(cell) <= _UINT64_MAX:
        return str(cell)
    raise SpecError(f'expected text, got {shortened(cell)}; put it in quotes')


def _number(cell: object) -> float:
    number = FieldType.FLOAT64
    try:
        return float(number.parse(cell) if isinstance(cell, str) else number.check(cell))
    except ValueMismatchError:
        raise SpecError(f'expected a number, got {shortened(cell)}') from None
