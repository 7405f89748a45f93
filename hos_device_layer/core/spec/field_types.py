"""The types of arguments, results and stream values: how they are declared, read and written."""

from __future__ import annotations

import enum
import re
import struct
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec

from ..errors import SpecError, ValueMismatchError
from ..text import shortened

Value = int | float | bool | str

UINT32_MAX = 2**32 - 1

_BOOLS = {'1': True, 'true': True, '0': False, 'false': False}

# The largest float32, written with the fewest digits that round to it.
_FLOAT32_MAX = 3.4028235e38

_FLOAT32 = struct.Struct('<f')


def _bounds(type_name: str) -> tuple[int, int] | tuple[float, float]:
    if type_name.startswith('float'):
        largest = _FLOAT32_MAX if type_name == 'float32' else sys.float_info.max
        return -largest, largest
    bits = int(type_name.partition('int')[2])
    if type_name.startswith('u'):
        return 0, 2**bits - 1
    return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1


class FieldType(enum.Enum):
    """
    A type name of the specification.

    `bounds` are the smallest and largest value of a number type; None for bool and string.
    """

    UINT8 = 'uint8'
    UINT16 = 'uint16'
    UINT32 = 'uint32'
    UINT64 = 'uint64'
    INT8 = 'int8'
    INT16 = 'int16'
    INT32 = 'int32'
    INT64 = 'int64'
    FLOAT32 = 'float32'
    FLOAT64 = 'float64'
    BOOL = 'bool'
    STRING = 'string'

    def __init__(self, name: str) -> None:
        # Computed once: they are used with every value of every call.
        self.is_float = name.startswith('float')
        self.is_integer = 'int' in name
        self.is_number = self.is_float or self.is_integer
        self.bounds = _bounds(name) if self.is_number else None

    def parse(self, text: str) -> Value:
        """
        Read a value from text: a decimal number, 1/0/true/false, or the text itself.

        Raises ValueMismatchError, also for NaN, infinity and values that the type cannot hold.
        """
        if self.is_number:
            return self.check(self._read_number(text))
        if self is FieldType.BOOL:
            value = _BOOLS.get(text.strip().lower())
            if value is None:
                raise self._mismatch(text)
            return value
        return self.check(text)

    def check(self, value: object) -> Value:
        """
        Convert a Python or JSON value to this type.

        An integer may be given as a float without a fractional part; a float may be given as an
        integer, which becomes the nearest float. Raises ValueMismatchError.
        """
        if self.bounds is not None:
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                low, high = self.bounds
                if low <= value <= high:  # always false for NaN
                    if self.is_float:
                        return float(value)
                    if isinstance(value, int) or value.is_integer():
                        return int(value)
        elif self is FieldType.BOOL:
            if isinstance(value, int) and value in (0, 1):
                return bool(value)
        elif isinstance(value, str) and _is_unicode(value):
            if '\0' not in value:
                return value
            # The strings of ROS messages end at the first NUL.
            raise ValueMismatchError(
                f'expected string without NUL characters, got {shortened(value)}'
            )
        raise self._mismatch(value)

    def format(self, value: Value) -> str:
        """
        Write a value so that a small microcontroller can read it.

        Integers are written in decimal, bools as 1 or 0, floats with the fewest digits that give
        the same value and never with an exponent.
        """
        if self.is_float:
            return _format_float(float(value), single=self is FieldType.FLOAT32)
        return value if isinstance(value, str) else str(int(value))

    def _read_number(self, text: str) -> int | float:
        # int() and float() also accept 1_000 and the digits of other scripts.
        if text.isascii() and '_' not in text:
            try:
                return float(text) if self.is_float else int(text)
            except ValueError:
                pass
        raise self._mismatch(text)

    def _mismatch(self, value: object) -> ValueMismatchError:
        values = ''
        if self.is_integer and self.bounds is not None:
            values = f' ({self.bounds[0]}..{self.bounds[1]})'
        return ValueMismatchError(f'expected {self.value}{values}, got {shortened(value)}')


def _is_unicode(text: str) -> bool:
    # JSON can contain half a surrogate pair, which cannot be encoded for JSON or ROS.
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _format_float(value: float, single: bool) -> str:
    digits = _shortest_float32(value) if single else repr(value)
    if 'e' in digits:
        digits = format(Decimal(digits), 'f')
    digits = digits.removesuffix('.0')
    return '0' if digits == '-0' else digits


def _shortest_float32(value: float) -> str:
    # A float32 keeps any six digits, and nine digits always identify one (IEEE 754).
    single = _nearest_float32(value)
    for precision in (6, 7, 8):
        digits = f'{single:.{precision}g}'
        if _nearest_float32(float(digits)) == single:
            return digits
    return f'{single:.9g}'


def _nearest_float32(value: float) -> float:
    nearest: float = _FLOAT32.unpack(_FLOAT32.pack(value))[0]
    return nearest


class Field(msgspec.Struct, frozen=True):
    """A named value with its type and, if the specification gives them, its range and unit."""

    name: str
    type: FieldType
    low: int | float | None = None
    high: int | float | None = None
    unit: str = ''

    @classmethod
    def from_text(cls, text: str) -> Field:
        """Read a declaration like `x:float32 -60..60 [mm]`; raises SpecError."""
        declaration = ' '.join(text.split())
        match = _DECLARATION.fullmatch(declaration)
        if match is None or not declaration.isprintable():
            raise SpecError(
                f'expected name:type, name:type low..high or name:type low..high [unit], '
                f'got {shortened(text)}'
            )
        name, type_name = match['name'], match['type']
        try:
            field_type = FieldType(type_name)
        except ValueError:
            valid = ', '.join(t.value for t in FieldType)
            raise SpecError(
                f'{shortened(name)}: unknown type {shortened(type_name)}; valid types: {valid}'
            ) from None
        low, high = (_bound(name, field_type, match[side] or '') for side in ('low', 'high'))
        if low is not None and high is not None and low > high:
            raise SpecError(f'{shortened(name)}: the range is empty: {low} is greater than {high}')
        return cls(name, field_type, low, high, (match['unit'] or '').strip())

    def to_text(self) -> str:
        """Write the declaration that `from_text` reads."""
        unit = f' [{self.unit}]' if self.unit else ''
        range_text = self._range_text()
        return f'{self.name}:{self.type.value}{range_text and " " + range_text}{unit}'

    def describe(self) -> str:
        """Describe type, range and unit to a person: `float32 -60..60 [mm]`."""
        return self.to_text().partition(':')[2]

    def parse(self, text: str) -> Value:
        """Read a value from text; raises ValueMismatchError, which names the field."""
        return self._accept(self.type.parse, text)

    def check(self, value: object) -> Value:
        """Convert a Python or JSON value; raises ValueMismatchError, which names the field."""
        return self._accept(self.type.check, value)

    def _accept(self, convert: Callable[[Any], Value], raw: object) -> Value:
        try:
            value = convert(raw)
        except ValueMismatchError as error:
            raise ValueMismatchError(f'{self.name}: {error}') from None
        if isinstance(value, str) or self._in_range(value):
            return value
        unit = f' [{self.unit}]' if self.unit else ''
        raise ValueMismatchError(
            f'{self.name}: {shortened(raw)} is outside {self._range_text()}{unit}'
        )

    def _in_range(self, value: int | float) -> bool:
        low, high = self.low, self.high
        # A float32 at an end of the range may differ from it beyond the digits of a float32.
        return (low is None or value >= low or self._are_alike(value, low)) and (
            high is None or value <= high or self._are_alike(value, high)
        )

    def _are_alike(self, value: int | float, bound: int | float) -> bool:
        return self.type.format(value) == self.type.format(bound)

    def _range_text(self) -> str:
        if self.low is None and self.high is None:
            return ''
        low = '' if self.low is None else self.type.format(self.low)
        high = '' if self.high is None else self.type.format(self.high)
        return f'{low}..{high}'


# Each part ends where the next begins, so that matching takes linear time for every text.
_DECLARATION = re.compile(
    r'(?P<name>[^\s:,\[\]]+) ?: ?(?P<type>\w+)'
    r'(?: (?P<low>(?:[^.\[\]]|\.(?!\.))*)\.\.(?P<high>[^\[\]]*))?'
    r' ?(?:\[(?P<unit>[^\[\]]*)\])?'
)


def _bound(name: str, field_type: FieldType, text: str) -> int | float | None:
    if not text.strip():
        return None
    if not field_type.is_number:
        raise SpecError(
            f'{shortened(name)}: a {field_type.value} takes no range; remove {shortened(text)}'
        )
    try:
        bound = field_type.parse(text)
    except ValueMismatchError as error:
        raise SpecError(f'{shortened(name)}: range: {error}') from None
    assert not isinstance(bound, str)
    return bound
