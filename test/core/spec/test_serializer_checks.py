import pytest

from hos_device_layer.core.spec.records import DeviceType
from hos_device_layer.core.spec.rows import read_rows
from hos_device_layer.core.spec.serializer_checks import check_serializers
from hos_device_layer.core.spec.serializers import Serializer
from hos_device_layer.core.spec.spec_tables import FUNCTIONS, SERIALIZERS

TYPES = {'Arm': DeviceType('Arm', serialized_api=True), 'Scale': DeviceType('Scale')}


def check(arguments, device_types, *templates):
    """The problems of function `move` and of its serializers, and the valid serializers."""
    row = {'function_name': 'move', 'arguments': arguments, 'device_types': device_types}
    functions = read_rows(FUNCTIONS, 'apis', [row])
    serializers = read_rows(
        SERIALIZERS,
        'serializers',
        [{'serializer': template, 'function_name': 'move'} for template in templates],
    )
    valid = check_serializers(functions, serializers, TYPES)
    texts = [[problem.text for problem in row.problems] for row in (*functions, *serializers)]
    return texts, valid


@pytest.mark.parametrize('device_types', ['Arm', 'Scale', 'Scale, Arm'])
def test_a_serializer_that_fits_is_valid(device_types):
    assert check('x:bool', device_types, 'M$') == ([[], []], {'move': Serializer('M$')})


def test_only_serialized_device_types_need_a_serializer():
    assert check('', 'Scale, Nobody') == ([[]], {})
    assert check('', 'Scale, Arm')[0] == [
        ["'Arm' takes serialized commands; add a row for 'move' to the table 'serializers'"]
    ]


def test_a_serializer_needs_a_placeholder_for_each_argument():
    texts, valid = check('x:bool, y:bool', 'Scale', 'M$')
    assert texts == [[], ["expected 2 $, one for each argument of 'move'; 'M$' has 1"]]
    assert valid == {}


def test_a_function_whose_serializer_has_a_problem_is_rejected():
    (function, serializer), valid = check('x:bool', 'Arm', 'M')
    assert function == [
        "'Arm' takes serialized commands, and the serializer 'M' has a problem; correct it in "
        "the table 'serializers'"
    ]
    assert len(serializer) == 1
    assert valid == {}


def test_arguments_that_cannot_be_read_are_not_counted():
    texts, _ = check('x:nothing', 'Arm', 'M')
    assert texts[1] == []
