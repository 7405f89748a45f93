"""What instruments answer, read by the fields of the specification."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hos_device_layer.core.errors import ValueMismatchError
from hos_device_layer.core.spec.field_types import Field, FieldType, Value
from hos_device_layer.core.text import shortened

# A number as instruments write it, with its unit: `+1.250E-03 V`, `12.5g`.
_NUMBER = re.compile(r'\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*[^\d\s]*\s*')

# Quoted parts may hold commas; a doubled quote stands for one.
_PART = re.compile(r'\s*("(?:[^"]|"")*"|[^,]*)\s*(?:,|$)')

_BOOLS = {'on': '1', 'off': '0'}


def read_answer(line: str, fields: Sequence[Field]) -> dict[str, Value]:
    """
    Read the values of an answer, in the order of `fields`, separated by commas.

    Raises ValueMismatchError, which says what was expected and what came.
    """
    parts = [line] if len(fields) == 1 else _split(line)
    try:
        if len(parts) != len(fields):
            raise ValueMismatchError(f'{len(parts)} values instead of {len(fields)}')
        return {field.name: _read(part, field) for field, part in zip(fields, parts)}
    except ValueMismatchError as error:
        expected = ', '.join(field.to_text() for field in fields)
        raise ValueMismatchError(
            f'{error} (expected {expected}; came {shortened(line)})'
        ) from None


def _split(line: str) -> list[str]:
    return [match[1] for match in _PART.finditer(line) if match[0]]


def _read(text: str, field: Field) -> Value:
    text = text.strip()
    if field.type is FieldType.STRING:
        is_quoted = len(text) >= 2 and text[0] == text[-1] == '"'
        return field.parse(text[1:-1].replace('""', '"') if is_quoted else text)
    if field.type is FieldType.BOOL:
        return field.parse(_BOOLS.get(text.lower(), text))
    number = _NUMBER.fullmatch(text)
    if number is None:
        raise ValueMismatchError(f'{field.name}: {shortened(text)} is no number')
    # An instrument writes integers in float form, too: +1.0E+01.
    return field.check(int(number[1])) if number[1].isdigit() else field.check(float(number[1]))
