"""ROS arguments and parameter files, as the ROS client library reads and as it must get them."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

_PARAMETERS = 'ros__parameters'


def quoted_texts(arguments: Sequence[str], names: Collection[str]) -> list[str]:
    """
    Return the arguments of a program with the values of these parameters in quotes.

    ROS reads `-p fleet:=007` as the number 7, and `-p fleet:=on` as true; both are texts.
    """
    return [
        _quoted_rule(argument, names) if option in ('-p', '--param') else argument
        for option, argument in _with_options(arguments)
    ]


def namespace_rules(arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each argument that sets the namespace of a node, and the namespace."""
    for option, argument in _with_options(arguments):
        target, assignment, namespace = argument.partition(':=')
        is_rule = option in ('-r', '--remap') and assignment
        # The name of a node may stand before it.
        if is_rule and target.rpartition(':')[2] == '__ns':
            yield f'{option} {argument}', namespace


def _with_options(arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each argument with the option of ROS before it, or an empty text."""
    is_ros, option = False, ''
    for argument in arguments:
        yield option, argument
        if argument in ('--', '--ros-args'):
            is_ros = argument == '--ros-args'
        option = argument if is_ros else ''


def _quoted_rule(rule: str, names: Collection[str]) -> str:
    target, assignment, value = rule.partition(':=')
    is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in '\'"'
    # The name of a node may stand before that of the parameter.
    if not assignment or is_quoted or target.rpartition(':')[2] not in names:
        return rule
    return f"{target}:='{value.replace(chr(39), chr(39) * 2)}'"


def parameter_file(values: Mapping[str, Mapping[str, object]]) -> str:
    """
    Return a parameter file with values for nodes of these names, in any namespace.

    It takes precedence over the files before it. A text stays a text, whatever it looks like.
    """
    # JSON is YAML in which every text is in quotes.
    return json.dumps({f'/**/{node}': {_PARAMETERS: dict(v)} for node, v in values.items()})


def node_parameters(content: object, node: str) -> dict[str, Any]:
    """Return the parameters in the content of a parameter file for a node, as `/bay1/arm`."""
    found: dict[str, Any] = {}
    for pattern, parameters in _sections(content, ''):
        if re.fullmatch(pattern, node):
            found |= parameters
    return found


def _sections(content: object, pattern: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the pattern of the node names of each section, and its parameters."""
    for key, value in content.items() if isinstance(content, Mapping) else ():
        if key == _PARAMETERS and isinstance(value, Mapping):
            yield pattern, value
        else:
            yield from _sections(value, pattern + _pattern(str(key)))


def _pattern(names: str) -> str:
    wildcards = {'**': '(/[^/]+)*', '*': '/[^/]+'}
    return ''.join(wildcards.get(name, f'/{re.escape(name)}') for name in names.split('/') if name)
