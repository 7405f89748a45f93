import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from project import SAMPLE_DB

from hos_device_layer.core.dispatch.calls import TypedField, check_call
from hos_device_layer.core.dispatch.results import parse_values, to_json, to_marked
from hos_device_layer.core.errors import ValueMismatchError
from hos_device_layer.core.spec.field_types import Field, FieldType
from hos_device_layer.core.spec.records import DeviceType, FleetDevice, Function, Spec, Stream
from hos_device_layer.core.spec.serializers import Serializer
from hos_device_layer.database import LocalCopy
from hos_device_layer.testing.simulated_device import SimulatedDevice

SAMPLE = LocalCopy(SAMPLE_DB).read()
DEVICE = FleetDevice('L1', 11, 'Lift', 'lab')


def fields(*declarations):
    return tuple(Field.from_text(text) for text in declarations)


MOVE = Function(
    'move',
    fields('x:float32 -60..60 [mm]', 'name:string', 'fast:bool'),
    fields('x:float32', 'fast:bool', 'load:float32 2..3 [kg]'),
    ('Lift',),
    serializer=Serializer('M(.$:$)F$'),
)


def make(*results, values=(), seed=0, device=DEVICE):
    function = Function('measure', results=fields(*results), device_types=('Lift',))
    stream = Stream('readings', fields(*values), ('Lift',))
    spec = Spec(
        {'Lift': DeviceType('Lift'), 'Pump': DeviceType('Pump', serialized_api=True)},
        {'move': MOVE, 'measure': function},
        {'readings': stream},
    )
    return SimulatedDevice(device, spec, seed)


def measure(device):
    return device.run(device.functions['measure'], {})


def test_a_device_can_do_what_its_type_can():
    lift = make()
    assert sorted(lift.functions) == ['measure', 'move']
    assert [stream.name for stream in lift.streams] == ['readings']
    assert not lift.is_serialized
    pump = make(device=FleetDevice('P1', 21, 'Pump', 'lab'))
    assert pump.is_serialized
    assert not pump.functions
    assert not pump.streams


@pytest.mark.parametrize('name', ['-3.5', '', ':', '):F1', '\\1', 'V'])
def test_the_arguments_of_a_serialized_command_are_those_that_were_sent(name):
    lift = make()
    command = MOVE.serializer.serialize(['-3.5', name, '1'])
    expected = {'x': -3.5, 'name': name, 'fast': True}
    assert lift.read_serialized(MOVE, command) == expected
    assert lift.read_arguments(MOVE, ['-3.5', name, '1']) == expected


@pytest.mark.parametrize(
    'command', ['', 'M', 'M(.1:a)F', 'M(.99:a)F1', 'M(x1:a)F1', 'M(.1:a)F1\n1']
)
def test_a_command_that_does_not_fit_is_refused(command):
    with pytest.raises(ValueMismatchError):
        make().read_serialized(MOVE, command)


@pytest.mark.parametrize('texts', [[], ['1', 'a'], ['1', 'a', '1', '1'], ['61', 'a', '1']])
def test_arguments_that_do_not_fit_are_refused(texts):
    with pytest.raises(ValueMismatchError):
        make().read_arguments(MOVE, texts)


def test_a_result_of_the_name_of_an_argument_is_that_argument():
    results = make().run(MOVE, {'x': -3.5, 'name': 'a', 'fast': True})
    assert results['x'] == -3.5
    assert results['fast'] is True
    assert 2 <= results['load'] <= 3


def test_an_argument_that_does_not_fit_the_result_of_its_name_is_measured_instead():
    function = Function('f', fields('x:string'), fields('x:uint8'), ('Lift',))
    assert 0 <= make().run(function, {'x': 'wide'})['x'] <= 255


def test_the_same_seed_gives_the_same_answers_and_devices_differ():
    kinds = ('a:float32', 'b:uint8', 'c:bool', 'd:string')

    def answers(seed, device=DEVICE):
        simulated = make(*kinds, values=kinds, seed=seed, device=device)
        stream = simulated.streams[0]
        return [(measure(simulated), simulated.sample(stream)) for _ in range(5)]

    assert answers(1) == answers(1)
    assert answers(1) != answers(2)
    assert answers(1) != answers(1, FleetDevice('L2', 12, 'Lift', 'lab'))


def test_a_quantity_is_steady_and_the_same_in_results_and_streams():
    device = make('level:float32 0..1000', values=['level:float32 0..1000'])
    readings = []
    for _ in range(200):
        readings += [measure(device)['level'], device.sample(device.streams[0])['level']]
    steps = [abs(b - a) for a, b in itertools.pairwise(readings)]
    assert 0 < max(steps) <= 20.001
    assert len(set(readings)) > 100


def test_a_call_takes_as_long_as_was_asked():
    device = make()
    durations = [device.duration(0.5, 0.75) for _ in range(100)]
    assert all(0.5 <= duration <= 0.75 for duration in durations)
    assert len(set(durations)) > 1


@pytest.mark.parametrize(
    'declaration',
    [
        'v:float32 0.0001..0.0002',
        'v:float64 -1e-9..1e-9',
        'v:float64 0.12345..0.12345',
        'v:float32 5000..',
        'v:float32 ..-5000',
        'v:float32 -3.4028235e38..3.4028235e38',
        'v:float64 -1.7e308..1.7e308',
        'v:uint8 250..',
        'v:uint64 18446744073709551610..18446744073709551615',
        'v:int64 -9223372036854775808..9223372036854775807',
        'v:int8 ..-100',
        'v:int8 7..7',
    ],
)
def test_every_reading_is_in_its_range_however_odd_that_is(declaration):
    device = make(declaration)
    (field,) = fields(declaration)
    for _ in range(50):
        value = measure(device)['v']
        assert field.check(value) == value


numbers = st.sampled_from([kind for kind in FieldType if kind.is_number])


@given(numbers, st.data(), st.integers(0, 5))
def test_whatever_is_measured_fits_its_field(kind, data, seed):
    low, high = kind.bounds
    limits = st.floats(low, high) if kind.is_float else st.integers(low, high)
    first, second = data.draw(limits | st.none()), data.draw(limits | st.none())
    if first is not None and second is not None:
        first, second = sorted((first, second))
    field = Field('v', kind, first, second)
    function = Function('f', results=(field,))
    device = make(seed=seed)
    for _ in range(5):
        values = device.run(function, {})
        assert parse_values(to_json(values), [field]) == values
        assert parse_values(to_marked(values, [field]), [field]).keys() == {'v'}


def test_every_function_and_stream_of_the_sample_fits_its_own_specification():
    calls = samples = 0
    for device in (d for fleet in SAMPLE.fleets.values() for d in fleet.values()):
        simulated = SimulatedDevice(device, SAMPLE)
        for function in simulated.functions.values():
            given_arguments = [
                TypedField(field.name, field.type.value, sample_text(field))
                for field in function.arguments
            ]
            call = check_call(SAMPLE, device, function.name, given_arguments)
            if simulated.is_serialized:
                arguments = simulated.read_serialized(function, call.serialized)
            else:
                arguments = simulated.read_arguments(function, list(call.arguments))
            results = simulated.run(function, arguments)
            parse_values(to_marked(results, function.results), function.results)
            calls += 1
        for stream in simulated.streams:
            parse_values(to_marked(simulated.sample(stream), stream.values), stream.values)
            samples += 1
    assert calls > 10
    assert samples > 2


def sample_text(field):
    if field.type is FieldType.STRING:
        return 'abc'
    return '1' if field.type is FieldType.BOOL else field.type.format(field.low or 0)
