"""ROS arguments and parameter files, compared with what the ROS client library makes of them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import rclpy
import yaml
from rclpy.node import Node

from hos_device_layer.parameters import FLEET, PARAMETERS, ParameterError, declare, main_arguments
from hos_device_layer.ros_arguments import node_parameters, parameter_file, quoted_texts

NODE = '/bay1/device_manager'

Overrides = Callable[..., dict[str, Any]]

# Each of these is a text, and would be a number, true, false, a list or an error.
TEXTS = ['007', '7', '0x10', '1e5', '1_000', '.5', '.nan', 'on', 'y', 'No', 'true', 'null', '~']
TEXTS += ['[a, b]', 'a: b', '{a: b}', "it's", "'", '"', '', 'a:=b', '&x', '!!str 5', '# no', 'a b']


@contextlib.contextmanager
def started(*arguments: str) -> Iterator[Node]:
    context = rclpy.Context()
    rclpy.init(args=['program', *arguments], context=context)
    node = Node('device_manager', context=context, namespace='/bay1')
    try:
        yield node
    finally:
        node.destroy_node()
        rclpy.shutdown(context=context)


def overrides(*arguments: str) -> dict[str, Any]:
    with started(*arguments) as node:
        return {name: parameter.value for name, parameter in node._parameter_overrides.items()}


@pytest.mark.parametrize('text', TEXTS)
def test_a_text_on_the_command_line_stays_what_it_is(text: str) -> None:
    arguments = main_arguments(['--ros-args', '-p', f'fleet:={text}'], PARAMETERS)
    assert overrides(*arguments) == {'fleet': text}


@pytest.mark.parametrize('text', TEXTS)
def test_a_text_in_a_file_stays_what_it_is(tmp_path: Path, text: str) -> None:
    file = tmp_path / 'p.yaml'
    file.write_text(parameter_file({'device_manager': {'fleet': text, 'gateway_port': 5}}))
    read = overrides('--ros-args', '--params-file', str(file))
    assert read == {'fleet': text, 'gateway_port': 5}


@pytest.mark.parametrize('quoted', ["'007'", '"007"'])
def test_quotes_of_the_user_stay_quotes(quoted: str) -> None:
    arguments = main_arguments(['--ros-args', '--param', f'fleet:={quoted}'], PARAMETERS)
    assert overrides(*arguments) == {'fleet': '007'}


def test_only_the_values_of_texts_are_quoted() -> None:
    arguments = [
        *('-p', 'fleet:=1', '--ros-args', '-r', 'fleet:=1', '-p', 'port:=1', '-p', 'fleet:=1'),
        *('-p', 'node:fleet:=1', '-p', 'fleet', '--', '-p', 'fleet:=1', '--ros-args', '-p'),
    ]
    quoted = quoted_texts(arguments, ['fleet'])
    assert {i: (a, q) for i, (a, q) in enumerate(zip(arguments, quoted)) if a != q} == {
        8: ('fleet:=1', "fleet:='1'"),
        10: ('node:fleet:=1', "node:fleet:='1'"),
    }
    assert len(quoted) == len(arguments)


@pytest.mark.parametrize('value', ['007', 'on', '1.5'])
def test_what_is_no_text_in_a_file_must_be_quoted(tmp_path: Path, value: str) -> None:
    file = tmp_path / 'p.yaml'
    file.write_text(f'/**: {{ros__parameters: {{fleet: {value}}}}}')
    with started('--ros-args', '--params-file', str(file)) as node:
        reason = 'parameter fleet: expected a string, got .*; put it in quotes'
        with pytest.raises(ParameterError, match=reason):
            declare(node, [FLEET])


SECTIONS = [
    '/**: {ros__parameters: {a: 1, b: 1}}\n/bay1/device_manager: {ros__parameters: {b: 2}}',
    '/bay1/device_manager: {ros__parameters: {b: 2}}\n/**: {ros__parameters: {a: 1, b: 1}}',
    'device_manager: {ros__parameters: {a: 1}}',
    'bay1: {device_manager: {ros__parameters: {a: 1}}}',
    '/bay1: {device_manager: {ros__parameters: {a: 1}}}',
    '/*/device_manager: {ros__parameters: {a: 1}}',
    '/*: {ros__parameters: {a: 1}}',
    '/**/device_manager: {ros__parameters: {a: 1}}',
    '/bay1/**: {ros__parameters: {a: 1}}',
    '/bay1/*: {ros__parameters: {a: 1}}',
    '/**/simulated_fleet: {ros__parameters: {a: 1}}',
    '/bay2/**: {ros__parameters: {a: 1}}',
]


@pytest.mark.parametrize('text', SECTIONS)
def test_the_sections_of_a_file_apply_as_in_ros(tmp_path: Path, text: str) -> None:
    file = tmp_path / 'p.yaml'
    file.write_text(text)
    read = node_parameters(yaml.safe_load(text), NODE)
    assert read == overrides('--ros-args', '--params-file', str(file))


@pytest.mark.parametrize('content', [None, 'text', [], {'/**': None}, {'/**': {'x': 1}}, {1: {}}])
def test_a_file_without_sections_has_no_parameters(content: object) -> None:
    assert node_parameters(content, NODE) == {}


@pytest.mark.parametrize('text', SECTIONS)
def test_a_written_file_takes_precedence(tmp_path: Path, text: str) -> None:
    user, ours = tmp_path / 'user.yaml', tmp_path / 'ours.yaml'
    user.write_text(text)
    ours.write_text(parameter_file({'device_manager': {'a': 7, 'b': 8}, 'other': {'a': 9}}))
    files = ['--params-file', str(user), '--params-file', str(ours)]
    assert overrides('--ros-args', *files) == {'a': 7, 'b': 8}
