from __future__ import annotations

import ast
import builtins
import keyword
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hos_generator.names import class_names, field_names, function_names

# What the core takes as the name of a field or function.
ANY_NAME = st.text(min_size=1, max_size=12).filter(str.isprintable)
ANY_NAMES = st.lists(ANY_NAME, unique=True, max_size=8)


@pytest.mark.parametrize(
    ('name', 'python_name'),
    [
        ('delta_arm_move', 'delta_arm_move'),
        ('lightSet', 'lightSet'),
        ('température', 'température'),
        ('flow-rate', 'flow_rate'),
        ('a.b/c', 'a_b_c'),
        ('%', 'value_'),
        ('2theta', 'value_2theta'),
        ('__x', 'x'),
        ('_', 'value_'),
        ('from', 'from_'),
        ('match', 'match_'),
        ('type', 'type_'),
        ('id', 'id_'),
        ('TimeoutError', 'TimeoutError_'),
        ('node', 'node_'),
        ('device_id', 'device_id_'),
        ('parse', 'parse_'),
        ('call_device', 'call_device_'),
        ('ﬁll', 'fill'),
    ],
)
def test_a_name_is_mapped_by_the_rules(name: str, python_name: str) -> None:
    assert field_names([name]) == {name: python_name}


def test_a_function_that_needs_a_prefix_is_a_call() -> None:
    assert function_names(['3d_scan']) == {'3d_scan': 'call_3d_scan'}


def test_names_that_became_the_same_are_numbered_and_the_unchanged_one_keeps_its_own() -> None:
    assert field_names(['a/b', 'a_b', 'a-b', 'a_b_2']) == {
        'a_b': 'a_b',
        'a_b_2': 'a_b_2',
        'a-b': 'a_b_3',
        'a/b': 'a_b_4',
    }


def test_a_result_class_avoids_functions_and_other_classes() -> None:
    functions = {name: name for name in ('arm_move', 'armMove', 'arm_Move')}
    assert class_names(functions, {'ArmMoveResult'}) == {
        'armMove': 'ArmMoveResult_2',
        'arm_Move': 'ArmMoveResult_3',
        'arm_move': 'ArmMoveResult_4',
    }


@pytest.mark.parametrize(
    'name',
    [
        *keyword.kwlist,
        *keyword.softkwlist,
        *(name for name in dir(builtins) if not name.startswith('_')),
    ],
)
def test_no_keyword_and_no_builtin_of_this_python_is_used(name: str) -> None:
    assert field_names([name])[name] not in {name, ''}


@given(ANY_NAMES)
def test_every_name_is_a_different_identifier(names: list[str]) -> None:
    for mapped in (function_names(names), field_names(names, {'Taken'})):
        assert mapped.keys() == set(names)
        assert len(set(mapped.values())) == len(names)
        for name in mapped.values():
            # Read back as Python reads it, which normalises.
            node = ast.parse(name, mode='eval').body
            assert isinstance(node, ast.Name)
            assert node.id == name == unicodedata.normalize('NFKC', name)


@given(ANY_NAMES, st.randoms())
def test_the_order_does_not_matter(names: list[str], random: object) -> None:
    mapped = field_names(names)
    random.shuffle(names)  # type: ignore[attr-defined]
    assert field_names(names) == mapped
