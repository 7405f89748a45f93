"""Parses the answers of instruments with the fields of the specification."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hos_device_layer.core.errors import ValueMismatchError
from hos_device_layer.core.spec.field_types import Field, FieldType, Value
from hos_device_layer.core.text import shortened

# A number with an optional unit, as instruments write it: `+1.250E-03 V`, `12.5g`.
_NUMBER = re.compile(r'\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*[^\d\s]*\s*')

# Quoted parts may contain commas; a doubled quote stands for one quote.
_PART = re.compile(r'\s*("(?:[^"]|"")*"|[^,]*)\s*(?:,|$)')

_BOOLS = {'on': '1', 'off': '0'}


def read_answer(line: str, fields: Sequence[Field]) -> dict[str, Value]:
    """
    Parse an answer: values separated by commas, in the order of `fields`.

    Raises ValueMismatchError, which says what was expected and what was received.
    """
    parts = [line] if len(fields) == 1 else _split(line)
    try:
        if len(parts) != len(fields):
            raise ValueMismatchError(f'expected {len(fields)} values, got {len(parts)}')
        return {field.name: _read(part, field) for field, part in zip(fields, parts)}
    except ValueMismatchError as error:
        expected = ', '.join(field.to_text() for field in fields)
        raise ValueMismatchError(
            f'{error} (expected {expected}; received {shortened(line)})'
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
        raise ValueMismatchError(f'{field.name}: expected a number, got {shortened(text)}')
    # Instruments also write integers in float form: +1.0E+01.
    return field.check(int(number[1])) if number[1].isdigit() else field.check(float(number[1]))
