"""The values that devices report: as a JSON object or in the `V` form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from ..errors import ValueMismatchError
from ..spec.field_types import Field, FieldType, Value
from ..text import shortened

VALUE_MARK = 'V'


def parse_values(text: str, fields: Sequence[Field]) -> dict[str, Value]:
    """
    Read the values of a result or a stream sample, in the order of `fields`.

    `text` is a JSON object with the names of the fields, or each value preceded by `V`:
    `V5V1VH4001`. In that form a string may contain a `V` only if it is the only string. Raises
    ValueMismatchError, which says what was expected and what was found.
    """
    try:
        if text.lstrip().startswith('{'):
            return _from_json(text, fields)
        return _from_marked(text.lstrip().rstrip('\r\n'), fields)
    except ValueMismatchError as error:
        expected = ', '.join(field.to_text() for field in fields) or 'no values'
        raise ValueMismatchError(f'{error} (expected {expected}; got {shortened(text)})') from None


def to_json(values: Mapping[str, Value]) -> str:
    """Write values as a JSON object, always valid: a value is never NaN or infinite."""
    return msgspec.json.encode(values).decode()


def to_marked(values: Mapping[str, Value], fields: Sequence[Field]) -> str:
    """Write values in the `V` form."""
    return ''.join(VALUE_MARK + field.type.format(values[field.name]) for field in fields)


def _from_json(text: str, fields: Sequence[Field]) -> dict[str, Value]:
    try:
        values = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise ValueMismatchError(f'invalid JSON: {error}') from None
    names = {field.name for field in fields}
    if missing := names - values.keys():
        raise ValueMismatchError(f'missing values: {", ".join(sorted(missing))}')
    if unknown := values.keys() - names:
        raise ValueMismatchError(f'unknown values: {shortened(", ".join(sorted(unknown)))}')
    return {field.name: field.check(values[field.name]) for field in fields}


def _from_marked(text: str, fields: Sequence[Field]) -> dict[str, Value]:
    if text and not text.startswith(VALUE_MARK):
        raise ValueMismatchError(f'neither a JSON object nor values preceded by {VALUE_MARK}')
    values = _split_marked(text, fields)
    if len(values) != len(fields):
        raise ValueMismatchError(f'number of values: expected {len(fields)}, got {len(values)}')
    return {field.name: field.parse(value) for field, value in zip(fields, values)}


def _split_marked(text: str, fields: Sequence[Field]) -> list[str]:
    if text.strip() in ('', VALUE_MARK) and not fields:
        return []
    values = text.split(VALUE_MARK)[1:]
    # Only a string can contain the mark. With one string, it is clear where it begins and ends.
    texts = [i for i, field in enumerate(fields) if field.type is FieldType.STRING]
    surplus = len(values) - len(fields)
    if surplus > 0 and len(texts) == 1:
        start = texts[0]
        end = start + surplus + 1
        values[start:end] = [VALUE_MARK.join(values[start:end])]
    return values
