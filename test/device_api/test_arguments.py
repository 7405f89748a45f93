from __future__ import annotations

import numbers

import pytest
from calling import EchoResult, finish
from hos_interfaces.msg import TypedField
from rclpy.node import Node
from stand_in_manager import REPORTS_BEFORE_IT_ANSWERS

from hos_device_layer.device_api import (
    CallPendingError,
    ValueMismatchError,
    call_device,
    call_with_fields,
    value_dict,
)


@pytest.mark.parametrize(
    ('declaration', 'value', 'complaint'),
    [
        ('x:float32 -60..60 [mm]', 61, r"'move': x: 61.* is outside -60..60 \[mm\]"),
        ('x:float32', float('nan'), 'x: expected float32, got nan'),
        ('n:uint8', 256, r'n: expected uint8 \(0..255\), got 256'),
        ('n:uint8', True, r'n: expected uint8 \(0..255\), got True'),
        ('n:int32', 1.5, r'n: expected int32 \(-2147483648..2147483647\), got 1.5'),
        ('n:int32', '1', r"n: expected int32 \(-2147483648..2147483647\), got '1'"),
        ('on:bool', 'yes', "on: expected bool, got 'yes'"),
        ('text:string', 5, 'text: expected string, got 5'),
        ('text:string', 'a\0b', r'text: expected string without NUL characters, got .*'),
        ('text:string', '\ud800', r'text: expected string, got .*'),
    ],
)
def test_an_invalid_argument_raises_before_anything_is_sent(declaration, value, complaint) -> None:
    node = Node('caller')
    with pytest.raises(ValueMismatchError, match=complaint):
        call_device(node, 'D1', 'move', {declaration: value}, value_dict)
    assert list(node.clients) == []
    node.destroy_node()


class _NumpyLikeFloat:
    """numpy's float32 is a number, registered as one, but no float."""

    def __init__(self, value: float) -> None:
        self._value = value

    def __float__(self) -> float:
        return self._value


@pytest.mark.parametrize('device_id', [7, None, 'D\0', '\ud800'])
def test_an_invalid_device_id_raises_before_anything_is_sent(device_id) -> None:
    node = Node('caller')
    with pytest.raises(ValueMismatchError, match='device_id: '):
        call_device(node, device_id, 'move', {}, value_dict)
    assert list(node.clients) == []
    node.destroy_node()


@pytest.mark.parametrize('text', ['\ud800', 'a\0b'])
@pytest.mark.parametrize(
    ('function_name', 'field', 'complaint'),
    [
        ('{}', ('x', 'string', ''), 'function_name: '),
        ('move', ('{}', 'string', ''), "'move': .*: "),
        ('move', ('x', '{}', ''), "'move': x: "),
        ('move', ('x', 'string', '{}'), "'move': x: "),
    ],
)
def test_a_text_that_cannot_be_sent_raises_before_anything_is_sent(
    text, function_name, field, complaint
) -> None:
    node = Node('caller')
    name, type_name, data = (part.format(text) for part in field)
    fields = [TypedField(name='y'), TypedField(name=name, type=type_name, data=data)]
    with pytest.raises(ValueMismatchError, match=complaint + 'expected'):
        call_with_fields(node, 'D1', function_name.format(text), fields, value_dict)
    assert list(node.clients) == []
    node.destroy_node()


def test_arguments_are_sent_as_texts(executor, manager, node) -> None:
    numbers.Real.register(_NumpyLikeFloat)
    arguments = {
        'x:float32 -60..60 [mm]': 0.1,
        'y:float64': _NumpyLikeFloat(2.0),
        'n:uint64': 2**64 - 1,
        'on:bool': True,
        'text:string': 'grüße; rm "x"',
    }
    info = call_device(node, 'D1', REPORTS_BEFORE_IT_ANSWERS, arguments, value_dict)
    finish(executor, info)

    assert [(f.name, f.type, f.data) for f in manager.requests[0].args] == [
        ('x', 'float32', '0.1'),
        ('y', 'float64', '2'),
        ('n', 'uint64', '18446744073709551615'),
        ('on', 'bool', '1'),
        ('text', 'string', 'grüße; rm "x"'),
    ]
    assert info.parse()['text'] == 'grüße; rm "x"'


def test_parsing_a_missing_or_different_result_raises(executor, manager, node) -> None:
    info = call_device(node, 'D1', REPORTS_BEFORE_IT_ANSWERS, {'m:int8': 1}, EchoResult.parse)
    with pytest.raises(CallPendingError, match='has no result yet'):
        info.parse()
    finish(executor, info)
    with pytest.raises(ValueMismatchError, match=r'expected EchoResult, got .*run: hos generate'):
        info.parse()
