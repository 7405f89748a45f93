"""The answers of instruments."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hos_client.host.answers import read_answer
from hos_device_layer.core.errors import ValueMismatchError
from hos_device_layer.core.spec.field_types import Field


@pytest.mark.parametrize(
    ('line', 'fields', 'values'),
    [
        ('+1.250000E-03', ['v:float64'], {'v': 0.00125}),
        ('12.5 g', ['v:float32'], {'v': 12.5}),
        ('+1.0E+01', ['n:uint8'], {'n': 10}),
        ('18446744073709551615', ['n:uint64'], {'n': 2**64 - 1}),
        ('ON', ['b:bool'], {'b': True}),
        ('"a, ""b""",3', ['s:string', 'n:int8'], {'s': 'a, "b"', 'n': 3}),
        ('a, b', ['s:string'], {'s': 'a, b'}),
        ('1,,2', ['a:int8', 's:string', 'b:int8'], {'a': 1, 's': '', 'b': 2}),
    ],
)
def test_answers(line: str, fields: list[str], values: dict[str, Any]) -> None:
    assert read_answer(line, [Field.from_text(text) for text in fields]) == values


@pytest.mark.parametrize(
    ('line', 'fields', 'expected'),
    [
        ('abc', ['v:float64'], "expected a number, got 'abc'"),
        ('1,2', ['a:int8', 'b:int8', 'c:int8'], 'expected 3 values, got 2'),
        ('300', ['n:uint8'], 'n: '),
        ('', ['v:float64'], 'expected a number'),
    ],
)
def test_invalid_answers(line: str, fields: list[str], expected: str) -> None:
    with pytest.raises(ValueMismatchError, match=expected) as caught:
        read_answer(line, [Field.from_text(text) for text in fields])
    assert 'expected' in str(caught.value) and 'received' in str(caught.value)


@given(st.text(), st.lists(st.sampled_from(['a:int8', 'b:float64', 'c:string', 'd:bool'])))
def test_any_answer_is_parsed_or_refused(line: str, fields: list[str]) -> None:
    with contextlib.suppress(ValueMismatchError):
        read_answer(line, [Field.from_text(text) for text in fields])
