import msgspec
import pytest
from virtual_fleet import HALT, LIFT, PUMP, fields, make_spec

from hos_device_layer.core.dispatch.calls import TypedField, check_call
from hos_device_layer.core.errors import ArgumentError, CallRefusedError, UnknownFunctionError
from hos_device_layer.core.spec.records import Function, RejectedRows
from hos_device_layer.core.spec.serializers import Serializer

SPEC = make_spec()
GOOD = (TypedField('x', 'int32', '7'), TypedField('fast', 'bool', 'true'))


def changed(place, **changes):
    arguments = list(GOOD)
    arguments[place] = msgspec.structs.replace(arguments[place], **changes)
    return arguments


def test_a_call_with_typed_arguments():
    call = check_call(SPEC, LIFT, 'move', GOOD)
    assert call.function is SPEC.functions['move']
    assert call.arguments == ('7', '1')
    assert call.serialized is None


def test_a_call_that_is_serialized():
    assert check_call(SPEC, PUMP, 'move', GOOD).serialized == 'M7F1'


def test_a_call_without_arguments():
    assert check_call(SPEC, LIFT, 'halt', []) == (HALT, (), None)


def test_arguments_are_normalised():
    function = Function('set', fields('v:float32', 'on:bool'), device_types=('Lift',))
    given = [TypedField('v', 'float32', ' 1.50e-1 '), TypedField('on', 'bool', 'False')]
    call = check_call(make_spec(functions=[function]), LIFT, 'set', given)
    assert call.arguments == ('0.15', '0')


@pytest.mark.parametrize(
    ('given', 'facts'),
    [
        ([], ['x, fast', 'no arguments']),
        (GOOD[:1], ['x, fast']),
        ([*GOOD, GOOD[0]], ['x, fast', 'x, fast, x']),
        (GOOD[::-1], ['x, fast', 'order', 'fast, x']),
        (changed(0, name='X'), ['x, fast', 'X, fast']),
        (changed(0, type='int64'), ['x', 'int32', 'int64']),
        (changed(0, type=''), ['x', 'int32']),
        (changed(0, data='seven'), ['x', 'int32', 'seven']),
        (changed(0, data='7.5'), ['x', 'int32', '7.5']),
        (changed(0, data=''), ['x', 'int32']),
        (changed(0, data='11'), ['x', '11', '0..10', 'mm']),
        (changed(0, data='-1'), ['x', '-1', '0..10', 'mm']),
        (changed(1, data='yes'), ['fast', 'bool', 'yes']),
    ],
)
@pytest.mark.parametrize('device', [LIFT, PUMP])
def test_arguments_that_do_not_fit_are_refused_with_what_was_expected(device, given, facts):
    with pytest.raises(ArgumentError) as caught:
        check_call(SPEC, device, 'move', given)
    for fact in ['move', device.device_id, *facts]:
        assert fact in str(caught.value)
    assert (caught.value.device_id, caught.value.function_name) == (device.device_id, 'move')


def test_a_function_without_arguments_says_so():
    with pytest.raises(ArgumentError, match='no arguments'):
        check_call(SPEC, LIFT, 'halt', GOOD)


@pytest.mark.parametrize('data', ['a\nM10F1', 'a\r', '\x1b[2J', '\u2028'])
def test_control_characters_are_refused_in_serialized_commands(data):
    function = Function(
        'say', fields('text:string'), device_types=('Lift', 'Pump'), serializer=Serializer('T$')
    )
    spec = make_spec(functions=[function])
    given = [TypedField('text', 'string', data)]
    assert check_call(spec, LIFT, 'say', given).arguments == (data,)
    with pytest.raises(ArgumentError, match='control character'):
        check_call(spec, PUMP, 'say', given)


def test_nul_is_refused_since_texts_of_ros_end_there():
    say = Function(
        'say', fields('text:string'), device_types=('Lift', 'Pump'), serializer=Serializer('T$')
    )
    spec = make_spec(functions=[say])
    for device in (LIFT, PUMP):
        with pytest.raises(
            ArgumentError,
            match=r"text: expected string without NUL characters, got 'a\\x00b'",
        ):
            check_call(spec, device, 'say', [TypedField('text', 'string', 'a\0b')])


def test_a_function_of_another_type_is_refused_with_the_valid_functions():
    with pytest.raises(UnknownFunctionError) as caught:
        check_call(SPEC, PUMP, 'halt', [])
    assert 'halt' in str(caught.value)
    assert 'Pump' in str(caught.value)
    assert 'it has: move' in str(caught.value)


def test_a_type_without_functions_says_so():
    with pytest.raises(UnknownFunctionError, match='it has: none'):
        check_call(make_spec(functions=[HALT]), PUMP, 'move', GOOD)


def test_a_rejected_function_is_refused_with_its_problem():
    rejected = RejectedRows(functions={'bend': 'the type int31 is unknown'})
    with pytest.raises(UnknownFunctionError, match='the type int31 is unknown'):
        check_call(make_spec(rejected=rejected), LIFT, 'bend', [])


@pytest.mark.parametrize(
    ('function_name', 'given'),
    [
        ('m\n' * 9_999, []),
        ('move', [TypedField('n\n' * 9_999, 'int32', '1')]),
        ('move', changed(0, type='t\n' * 9_999)),
        ('move', changed(0, data='9\n' * 9_999)),
    ],
)
def test_values_of_the_caller_are_shortened_to_one_line_in_errors(function_name, given):
    with pytest.raises(CallRefusedError) as caught:
        check_call(SPEC, LIFT, function_name, given)
    assert len(str(caught.value)) < 1000
    assert '\n' not in str(caught.value)
