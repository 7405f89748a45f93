import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hos_device_layer.core.dispatch.results import parse_values, to_json, to_marked
from hos_device_layer.core.errors import ValueMismatchError
from hos_device_layer.core.spec.field_types import Field, FieldType


def fields(*declarations):
    return [Field.from_text(text) for text in declarations]


NUMBER = fields('value:int32')
THREE = fields('count:uint8', 'is_open:bool', 'id:string')
POSITION = fields('x:float32 -60..60 [mm]', 'y:float32 -60..60 [mm]')


@pytest.mark.parametrize(
    ('text', 'declared', 'values'),
    [
        ('V5', NUMBER, {'value': 5}),
        ('V-5\r\n', NUMBER, {'value': -5}),
        ('  V5 ', NUMBER, {'value': 5}),
        ('V1V0VH4001', THREE, {'count': 1, 'is_open': False, 'id': 'H4001'}),
        ('V1V1V', THREE, {'count': 1, 'is_open': True, 'id': ''}),
        ('V1V1V V V ', THREE, {'count': 1, 'is_open': True, 'id': ' V V '}),
        ('V1.5V-2', POSITION, {'x': 1.5, 'y': -2.0}),
        ('', [], {}),
        (' \n', [], {}),
        ('V', [], {}),
        ('{}', [], {}),
        ('{"value": 5}', NUMBER, {'value': 5}),
        (' {"value": 5.0}\n', NUMBER, {'value': 5}),
        ('{"y": 2, "x": 1e1}', POSITION, {'x': 10.0, 'y': 2.0}),
        (
            '{"id": "V{}\\n", "count": 1, "is_open": true}',
            THREE,
            {'count': 1, 'is_open': True, 'id': 'V{}\n'},
        ),
    ],
)
def test_both_forms_of_a_result(text, declared, values):
    result = parse_values(text, declared)
    assert result == values
    assert list(result) == [field.name for field in declared]
    assert [type(value) for value in result.values()] == [type(v) for v in values.values()]


@pytest.mark.parametrize(
    ('text', 'declared', 'reason'),
    [
        ('', NUMBER, 'number of values: expected 1, got 0'),
        ('V', NUMBER, r"value: expected int32 .*got ''"),
        ('VV5', NUMBER, 'number of values: expected 1, got 2'),
        ('V5V6', NUMBER, 'number of values: expected 1, got 2'),
        ('V1V0', THREE, 'number of values: expected 3, got 2'),
        ('V5', [], 'number of values: expected 0, got 1'),
        ('VV', [], 'number of values: expected 0, got 2'),
        ('5', NUMBER, 'neither a JSON object nor values preceded by V'),
        ('v5', NUMBER, 'neither a JSON object'),
        ('[5]', NUMBER, 'neither a JSON object'),
        ('"V5"', NUMBER, 'neither a JSON object'),
        ('null', NUMBER, 'neither a JSON object'),
        ('Vabc', NUMBER, r"value: expected int32 .*got 'abc'"),
        ('V1Y9', NUMBER, r"value: expected int32 .*got '1Y9'"),
        ('V1.5', NUMBER, r"value: expected int32 .*got '1.5'"),
        ('V2147483648', NUMBER, r'value: expected int32 .*got 2147483648'),
        (
            'V0VnanV0',
            fields('a:int8', 'b:float32', 'c:int8'),
            r"b: expected float32, got 'nan'|b: expected float32, got nan",
        ),
        ('VinfV1', POSITION, r'x: expected float32, got inf'),
        ('V61V0', POSITION, r"x: '61' is outside -60\.\.60 \[mm\]"),
        ('{"value": 5', NUMBER, 'invalid JSON'),
        ('{"value": NaN}', NUMBER, 'invalid JSON'),
        ('{"value": Infinity}', NUMBER, 'invalid JSON'),
        ('{"value": 1e999}', NUMBER, 'invalid JSON'),
        ('{"value": 5} x', NUMBER, 'invalid JSON'),
        ('{}', NUMBER, 'missing values: value'),
        ('{"y": 1}', POSITION, 'missing values: x'),
        ('{"value": 5, "more": 6}', NUMBER, "unknown values: 'more'"),
        ('{"a": 1}', [], "unknown values: 'a'"),
        ('{"value": "5"}', NUMBER, r"value: expected int32 .*got '5'"),
        ('{"value": true}', NUMBER, r'value: expected int32 .*got True'),
        ('{"value": null}', NUMBER, r'value: expected int32 .*got None'),
        ('{"value": [5]}', NUMBER, r'value: expected int32 .*got \[5\]'),
        ('{"value": ' + '9' * 400 + '}', NUMBER, r'value: expected int32 .*got 999.*'),
        ('{"value": ' + '9' * 5000 + '}', NUMBER, 'invalid JSON'),
        ('{"value": ' + '[' * 50_000 + ']' * 50_000 + '}', NUMBER, 'invalid JSON'),
        ('{"value": "\ud800"}', fields('value:string'), 'invalid JSON'),
        ('{"value": "\\ud800"}', fields('value:string'), 'invalid JSON'),
        ('V\ud800', fields('value:string'), 'expected string, got'),
        ('VaVbVc', fields('a:string', 'b:string'), 'number of values: expected 2, got 3'),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_a_result_that_does_not_fit_is_refused(text, declared, reason):
    with pytest.raises(ValueMismatchError, match=reason) as caught:
        parse_values(text, declared)
    message = str(caught.value)
    assert '(expected ' in message
    assert 'got ' in message
    assert message.isprintable()
    assert len(message) < 600


def test_a_mismatch_says_what_was_expected_and_what_was_found():
    with pytest.raises(ValueMismatchError) as caught:
        parse_values('V1', POSITION)
    assert str(caught.value) == (
        'number of values: expected 2, got 1 '
        "(expected x:float32 -60..60 [mm], y:float32 -60..60 [mm]; got 'V1')"
    )
    with pytest.raises(ValueMismatchError, match='expected no values; got'):
        parse_values('V1', [])


junk = st.one_of(
    st.text(st.characters()),
    st.text('V01.-e \n{}[]":,xn'),
    st.text(st.characters()).map(lambda text: '{' + text),
    st.text(st.characters()).map(lambda text: 'V' + text),
    st.dictionaries(
        st.sampled_from(['x', 'y', 'count', 'is_open', 'id']),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    ).map(json.dumps),
)


@given(junk, st.sampled_from([NUMBER, THREE, POSITION, [], fields('a:string', 'b:string')]))
@example('{"x":' * 100_000, POSITION)
def test_any_text_is_a_result_or_a_mismatch(text, declared):
    try:
        values = parse_values(text, declared)
    except ValueMismatchError as error:
        assert '(expected ' in str(error)
    else:
        assert {field.name: field.check(values[field.name]) for field in declared} == values
        json.loads(to_json(values), parse_constant=pytest.fail)


# Texts as ROS messages can carry them.
TEXTS = st.text(st.characters(exclude_characters='\0', exclude_categories=['Cs']))

VALUES = {
    **{t: st.integers(*t.bounds) for t in FieldType if t.is_integer},
    FieldType.BOOL: st.booleans(),
    FieldType.STRING: TEXTS,
    FieldType.FLOAT32: st.floats(width=32, allow_nan=False, allow_infinity=False),
    FieldType.FLOAT64: st.floats(allow_nan=False, allow_infinity=False),
}


@st.composite
def results(draw):
    types = draw(st.lists(st.sampled_from(FieldType), max_size=6))
    declared = [Field(f'f{i}', field_type) for i, field_type in enumerate(types)]
    values = {field.name: draw(VALUES[field.type]) for field in declared}
    return declared, values


@given(results())
def test_json_is_read_back(result):
    declared, values = result
    text = to_json(values)
    assert parse_values(text, declared) == values
    assert json.loads(text, parse_constant=pytest.fail) == values


@given(results())
def test_the_marked_form_is_read_back(result):
    declared, values = result
    strings = [field.name for field in declared if field.type is FieldType.STRING]
    for name in strings:
        # At the very end a line end belongs to the line, and of two strings none holds the mark.
        values[name] = values[name].rstrip('\r\n')
        if len(strings) > 1:
            values[name] = values[name].replace('V', 'v')
    read = parse_values(to_marked(values, declared), declared)
    for field in declared:
        assert field.type.format(read[field.name]) == field.type.format(values[field.name])
        assert type(read[field.name]) is type(values[field.name])


@pytest.mark.parametrize('place', range(3))
def test_the_one_string_of_a_result_may_hold_the_mark(place):
    declared = fields('a:uint8', 'b:uint8')
    declared.insert(place, Field('text', FieldType.STRING))
    values = {'a': 1, 'b': 2, 'text': 'VAV VV'}
    assert parse_values(to_marked(values, declared), declared) == values


@given(TEXTS, TEXTS)
def test_ambiguous_strings_are_refused(first, second):
    declared = fields('a:string', 'b:string')
    values = {'a': first, 'b': second.rstrip('\r\n')}
    try:
        assert parse_values(to_marked(values, declared), declared) == values
    except ValueMismatchError:
        assert 'V' in first + second


@pytest.mark.parametrize('text', ['Va\0b', r'{"text":"a\u0000b"}'])
def test_a_text_with_nul_is_refused_since_texts_of_ros_end_there(text):
    with pytest.raises(ValueMismatchError, match='text: expected string without NUL characters'):
        parse_values(text, fields('text:string'))


def test_json_of_the_largest_numbers_is_exact():
    declared = fields('u:uint64', 'i:int64')
    values = {'u': 2**64 - 1, 'i': -(2**63)}
    assert to_json(values) == '{"u":18446744073709551615,"i":-9223372036854775808}'
    assert parse_values(to_json(values), declared) == values
