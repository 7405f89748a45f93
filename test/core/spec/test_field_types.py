import json
import math
import struct
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hos_device_layer.core.errors import SpecError, ValueMismatchError
from hos_device_layer.core.spec.field_types import Field, FieldType

INTEGERS = {
    'uint8': (0, 255),
    'uint16': (0, 65535),
    'uint32': (0, 4294967295),
    'uint64': (0, 18446744073709551615),
    'int8': (-128, 127),
    'int16': (-32768, 32767),
    'int32': (-2147483648, 2147483647),
    'int64': (-9223372036854775808, 9223372036854775807),
}
FLOATS = ('float32', 'float64')
NUMBERS = (*INTEGERS, *FLOATS)

LARGEST_FLOAT32 = struct.unpack('<f', b'\xff\xff\x7f\x7f')[0]
SMALLEST_FLOAT32 = struct.unpack('<f', b'\x01\x00\x00\x00')[0]

floats32 = st.floats(width=32, allow_nan=False, allow_infinity=False)
floats64 = st.floats(allow_nan=False, allow_infinity=False)
# As ROS messages can carry them.
texts = st.text(st.characters(exclude_characters='\0', exclude_categories=['Cs']))


def values_of(field_type: FieldType) -> st.SearchStrategy:
    if field_type.is_integer:
        return st.integers(*INTEGERS[field_type.value])
    return {
        FieldType.FLOAT32: floats32,
        FieldType.FLOAT64: floats64,
        FieldType.BOOL: st.booleans(),
        FieldType.STRING: texts,
    }[field_type]


typed_values = st.sampled_from(FieldType).flatmap(
    lambda field_type: st.tuples(st.just(field_type), values_of(field_type))
)


def test_types_are_those_of_the_specification():
    assert [t.value for t in FieldType] == [*INTEGERS, *FLOATS, 'bool', 'string']


@pytest.mark.parametrize(('name', 'bounds'), INTEGERS.items())
def test_integers_hold_exactly_their_bounds(name, bounds):
    field_type = FieldType(name)
    assert field_type.bounds == bounds
    for bound in bounds:
        assert field_type.parse(str(bound)) == bound
        assert field_type.check(bound) == bound
    for beyond in (bounds[0] - 1, bounds[1] + 1):
        with pytest.raises(ValueMismatchError, match=rf'{bounds[0]}\.\.{bounds[1]}'):
            field_type.parse(str(beyond))
        with pytest.raises(ValueMismatchError):
            field_type.check(beyond)


def test_floats_hold_exactly_what_their_width_holds():
    assert FieldType.FLOAT32.check(LARGEST_FLOAT32) == LARGEST_FLOAT32
    assert FieldType.FLOAT32.parse('3.4028235e38') > LARGEST_FLOAT32  # as everybody writes it
    assert FieldType.FLOAT64.check(sys.float_info.max) == sys.float_info.max
    for field_type, text in (
        (FieldType.FLOAT32, '3.4028236e38'),
        (FieldType.FLOAT32, '-1e39'),
        (FieldType.FLOAT64, '1e309'),
        (FieldType.FLOAT64, '9' * 400),
    ):
        with pytest.raises(ValueMismatchError, match=field_type.value):
            field_type.parse(text)
    with pytest.raises(ValueMismatchError):
        FieldType.FLOAT64.check(10**400)


NO_NUMBERS = (
    *('', ' ', 'abc', '1Y9', 'nan', 'NaN', 'inf', '-Infinity', '1_0', '٣', '0x10', '+-1', '1 2'),
    *('--', '1,5', 'true', '\x00', '\ud800', 'V1', '1e', '9' * 5000),
)


@pytest.mark.parametrize('name', NUMBERS)
@pytest.mark.parametrize('text', NO_NUMBERS, ids=ascii)
def test_no_number(name, text):
    with pytest.raises(ValueMismatchError, match=name):
        FieldType(name).parse(text)


@pytest.mark.parametrize('text', ['1.0', '1.', '1e2', '.5'])
def test_an_integer_is_written_in_decimal_digits_alone(text):
    with pytest.raises(ValueMismatchError, match=r'expected uint8 \(0\.\.255\), got'):
        FieldType.UINT8.parse(text)
    assert FieldType.FLOAT64.parse(text) == float(text)


@pytest.mark.parametrize(('text', 'value'), [(' 7\r\n', 7), ('+7', 7), ('-0', 0), ('007', 7)])
def test_numbers_as_devices_write_them(text, value):
    assert FieldType.INT8.parse(text) == value
    assert FieldType.FLOAT32.parse(text) == value


@pytest.mark.parametrize(
    ('text', 'value'),
    [('1', True), ('true', True), (' True ', True), ('0', False), ('FALSE', False)],
)
def test_bool_texts(text, value):
    assert FieldType.BOOL.parse(text) is value


@pytest.mark.parametrize('text', ['', '2', '-1', 'yes', 'on', '1.0', 't'])
def test_no_bool(text):
    with pytest.raises(ValueMismatchError, match='expected bool, got'):
        FieldType.BOOL.parse(text)


def test_a_string_is_kept_to_the_letter():
    for text in ('', '  spaced  ', 'V1V2', 'a\nb', 'µ €', '5'):
        assert FieldType.STRING.parse(text) == text


@pytest.mark.parametrize('text', ['\ud800', 'a\udfffb'])
def test_half_a_surrogate_pair_is_no_string(text):
    for convert in (FieldType.STRING.parse, FieldType.STRING.check):
        with pytest.raises(ValueMismatchError, match='expected string, got'):
            convert(text)


@pytest.mark.parametrize(
    ('name', 'value', 'expected'),
    [
        ('uint8', 5.0, 5),
        ('float32', 5, 5.0),
        ('float64', 2**53, 2.0**53),
        ('bool', 1, True),
        ('bool', 0, False),
        ('bool', True, True),
        ('string', 'x', 'x'),
    ],
)
def test_python_and_json_values_that_fit(name, value, expected):
    result = FieldType(name).check(value)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        ('uint8', 5.5),
        ('uint8', '5'),
        ('uint8', True),
        ('uint64', 2.0**64),
        ('int64', math.nan),
        ('int8', math.inf),
        ('float32', math.nan),
        ('float64', math.inf),
        ('float64', -math.inf),
        ('float64', False),
        ('float32', '1'),
        ('bool', 2),
        ('bool', 1.0),
        ('bool', 'true'),
        ('string', 5),
        ('string', b'x'),
        ('string', None),
        ('uint8', None),
        ('uint8', [1]),
    ],
)
def test_python_and_json_values_of_another_type(name, value):
    with pytest.raises(ValueMismatchError, match=rf'expected {name}( \(\S+\))?, got'):
        FieldType(name).check(value)


def test_a_number_too_long_to_print_is_refused():
    for name in NUMBERS:
        with pytest.raises(ValueMismatchError, match=rf'expected {name}.*, got a very long int'):
            FieldType(name).check(16**5000)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.sampled_from(FieldType), json_values)
def test_check_answers_every_value_with_one_of_its_type_or_a_mismatch(field_type, value):
    try:
        result = field_type.check(value)
    except ValueMismatchError as error:
        assert field_type.value in str(error)
    else:
        assert result == type(result)(value)  # a float is the nearest to a long integer
        assert field_type.check(result) == result
        json.dumps(result, allow_nan=False).encode()


@given(st.sampled_from(FieldType), st.text(st.characters()))
@example(FieldType.STRING, '\0')
def test_parse_answers_every_text_with_a_value_or_a_mismatch(field_type, text):
    try:
        value = field_type.parse(text)
    except ValueMismatchError as error:
        assert field_type.value in str(error)
    else:
        assert field_type.check(value) == value


@given(typed_values)
def test_what_is_written_is_read_back(typed_value):
    field_type, value = typed_value
    text = field_type.format(value)
    result = field_type.parse(text)
    if field_type is FieldType.FLOAT32:
        result = struct.unpack('<f', struct.pack('<f', result))[0]
    assert result == value
    assert type(result) is type(value)


@given(st.sampled_from([FieldType.FLOAT32, FieldType.FLOAT64]), floats32)
def test_a_float_is_written_in_plain_digits(field_type, value):
    text = field_type.format(value)
    assert set(text) <= set('-0123456789.')
    assert text != '-0'
    assert not text.endswith('.')
    assert '.' not in text or not text.endswith('0')


@pytest.mark.parametrize(
    ('name', 'value', 'text'),
    [
        ('float32', 0.1, '0.1'),
        ('float32', struct.unpack('<f', struct.pack('<f', 0.1))[0], '0.1'),
        ('float32', 12.345, '12.345'),
        ('float32', 16777216.0, '16777216'),
        ('float32', 9.90325e-35, '0.' + '0' * 34 + '990325'),
        ('float32', 1e10, '10000000000'),
        ('float32', 1e-7, '0.0000001'),
        ('float32', 0.123456789, '0.12345679'),
        ('float32', LARGEST_FLOAT32, '34028235' + '0' * 31),
        ('float32', 1e-50, '0'),
        ('float32', -0.0, '0'),
        ('float64', 0.1, '0.1'),
        ('float64', 5.0, '5'),
        ('float64', 1e22, '1' + '0' * 22),
        ('float64', -1.5e-7, '-0.00000015'),
        ('float64', 5e-324, '0.' + '0' * 323 + '5'),
        ('uint64', 2**64 - 1, '18446744073709551615'),
        ('int8', -128, '-128'),
        ('bool', True, '1'),
        ('bool', False, '0'),
        ('string', '1e5', '1e5'),
    ],
)
def test_formats(name, value, text):
    assert FieldType(name).format(value) == text


@given(floats32.filter(lambda value: 2**-126 <= abs(value) < 3e38))
def test_a_float32_has_no_more_digits_than_it_needs(value):
    digits = len(FieldType.FLOAT32.format(value).replace('-', '').replace('.', '').strip('0'))
    assert digits <= 9
    for fewer in range(1, digits):
        shorter = float(f'{value:.{fewer}g}')
        assert struct.pack('<f', shorter) != struct.pack('<f', value)


@given(floats64)
def test_a_float64_has_the_digits_of_its_repr(value):
    assert float(FieldType.FLOAT64.format(value)) == value
    assert len(FieldType.FLOAT64.format(value).strip('-0.')) <= 18


@pytest.mark.parametrize(
    ('text', 'field'),
    [
        ('x:float32', Field('x', FieldType.FLOAT32)),
        ('  x : float32  ', Field('x', FieldType.FLOAT32)),
        (
            'x:float32 -60..60 [mm]',
            Field('x', FieldType.FLOAT32, -60.0, 60.0, 'mm'),
        ),
        ('n:uint8 1..', Field('n', FieldType.UINT8, 1, None)),
        ('n:uint8 ..9', Field('n', FieldType.UINT8, None, 9)),
        ('n:uint8 1 .. 9[ rpm ]', Field('n', FieldType.UINT8, 1, 9, 'rpm')),
        ('f:float64 .5..1e3', Field('f', FieldType.FLOAT64, 0.5, 1000.0)),
        ('f:float64 -1.5..-.5', Field('f', FieldType.FLOAT64, -1.5, -0.5)),
        ('x:float32\xa0[µg\xa0/ l]', Field('x', FieldType.FLOAT32, unit='µg / l')),
        ('x:float32 []', Field('x', FieldType.FLOAT32)),
        ('class:string', Field('class', FieldType.STRING)),
        ('x:string [mm, dd]', Field('x', FieldType.STRING, unit='mm, dd')),
    ],
)
def test_declarations(text, field):
    assert Field.from_text(text) == field


@pytest.mark.parametrize(
    ('text', 'reason'),
    [
        ('', 'expected name:type'),
        ('x', 'expected name:type'),
        ('x:', 'expected name:type'),
        (':uint8', 'expected name:type'),
        ('x y:uint8', 'expected name:type'),
        ('x:uint8 5', 'expected name:type'),
        ('x:uint8 mm', 'expected name:type'),
        ('x:uint8 [mm', 'expected name:type'),
        ('x:uint8 mm]', 'expected name:type'),
        ('x:uint8 [a][b]', 'expected name:type'),
        ('x:uint8, y:uint8', 'expected name:type'),
        ('x\x07:uint8', 'expected name:type'),
        ('x\ud800:uint8', 'expected name:type'),
        ('x:uint8 [m\x1bm]', 'expected name:type'),
        ('x:int', "unknown type 'int'; valid types: uint8"),
        ('x:Float32', "unknown type 'Float32'"),
        ('x:uint8 9..1', 'range is empty: 9 is greater than 1'),
        ('x:uint8 0..256', r"'x': range: expected uint8 \(0\.\.255\), got 256"),
        ('x:uint8 -1..5', r"'x': range: expected uint8 \(0\.\.255\), got -1"),
        ('x:uint8 a..b', r"'x': range: expected uint8 \(0\.\.255\), got 'a'"),
        ('x:uint8 1..2..3', "'x': range: expected "),
        ('x:float32 nan..1', "'x': range: expected "),
        ('x:float64 0..1e999', "'x': range: expected "),
        ('x:string 1..5', "'x': a string takes no range"),
        ('x:bool 0..1', "'x': a bool takes no range"),
    ],
)
def test_broken_declarations(text, reason):
    with pytest.raises(SpecError, match=reason):
        Field.from_text(text)


@pytest.mark.parametrize(
    'text',
    ['x:uint8' + ' ' * 100_000 + 'z', 'x:float32 ' + '1..' * 30_000 + 'z', 'x:' + 'y' * 90_000],
)
def test_a_long_broken_declaration_is_refused_in_a_short_text(text):
    # With a pattern that can split a text in many ways this test would not end.
    with pytest.raises(SpecError) as caught:
        Field.from_text(text)
    assert len(str(caught.value)) < 600


names = st.text(
    st.characters(exclude_categories=['C', 'Z'], exclude_characters=':,[]'), min_size=1
)
units = st.text(st.characters(exclude_categories=['C', 'Z'], exclude_characters='[]'))


@st.composite
def fields(draw):
    field_type = draw(st.sampled_from(FieldType))
    low = high = None
    if field_type.is_number:
        ends = sorted((draw(values_of(field_type)), draw(values_of(field_type))))
        # As they are written: a float32's digits, not all of those of the Python number.
        low, high = (field_type.parse(field_type.format(end)) for end in ends)
        low = draw(st.sampled_from((low, None)))
        high = draw(st.sampled_from((high, None)))
    return Field(draw(names), field_type, low, high, draw(units))


@given(fields())
def test_a_declaration_that_is_written_is_read_back(field):
    assert Field.from_text(field.to_text()) == field
    assert field.to_text() == f'{field.name}:{field.describe()}'


@given(st.text(st.characters()) | st.text('x:uint8float32 .[]-+e9\n\t', max_size=40))
def test_every_declaration_is_read_or_refused(text):
    try:
        field = Field.from_text(text)
    except SpecError:
        return
    assert Field.from_text(field.to_text()).type is field.type


def test_description_for_people():
    assert Field.from_text('x:float32 -60..60 [mm]').describe() == 'float32 -60..60 [mm]'
    assert Field.from_text('x:float32 1e3.. ').describe() == 'float32 1000..'
    assert Field.from_text('s:string').describe() == 'string'


def test_a_mismatch_names_the_field_its_range_and_its_unit():
    field = Field.from_text('x:float32 -60..60 [mm]')
    assert field.parse('60') == 60
    assert field.check(-60) == -60
    with pytest.raises(ValueMismatchError) as caught:
        field.parse('60.1')
    assert str(caught.value) == "x: '60.1' is outside -60..60 [mm]"
    with pytest.raises(ValueMismatchError) as caught:
        field.check('abc')
    assert str(caught.value) == "x: expected float32, got 'abc'"
    with pytest.raises(ValueMismatchError, match=r'n: 4 is outside 5\.\.$'):
        Field.from_text('n:int8 5..').check(4)


@pytest.mark.parametrize('end', ['0.1', '4.2', '-4.2', '0.7'])
def test_a_float32_at_the_end_of_its_range_is_in_it(end):
    # A device computes in float32; printed as a double, its 0.1 is 0.10000000149011612.
    as_double = struct.unpack('<f', struct.pack('<f', float(end)))[0]
    assert as_double != float(end)
    for declaration in (f'x:float32 {end}..', f'x:float32 ..{end}'):
        field = Field.from_text(declaration)
        assert field.check(as_double) == as_double
        assert field.parse(repr(as_double)) == as_double
    with pytest.raises(ValueMismatchError):
        Field.from_text(f'x:float32 ..{end}').check(float(end) + 1e-5)
