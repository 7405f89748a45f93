"""What holds of every launch file, with and without `launch`."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from project import ROOT

FILES = sorted((ROOT / 'launch').glob('*.launch.py'))


@pytest.fixture(params=FILES, ids=lambda path: path.name)
def tree(request: pytest.FixtureRequest) -> ast.Module:
    path: Path = request.param
    source = path.read_text(encoding='utf-8')
    compile(source, path, 'exec')
    return ast.parse(source)


def calls(tree: ast.Module, name: str) -> list[ast.Call]:
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == name
    ]


def keyword(call: ast.Call, name: str) -> ast.expr:
    return next(keyword.value for keyword in call.keywords if keyword.arg == name)


def test_it_says_what_it_does_and_has_the_function_that_launch_calls(tree: ast.Module) -> None:
    assert ast.get_docstring(tree)
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert 'generate_launch_description' in names


def test_every_argument_has_a_description_and_is_used(tree: ast.Module) -> None:
    declared = calls(tree, 'DeclareLaunchArgument')
    assert declared
    constants = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    for argument in declared:
        name = ast.literal_eval(argument.args[0])
        description = ast.literal_eval(keyword(argument, 'description'))
        assert len(description.split()) > 3, name
        assert description.endswith('.'), name
        assert constants.count(name) > 1, f'{name} is declared and not used'


def test_a_default_is_one_of_the_choices(tree: ast.Module) -> None:
    for argument in calls(tree, 'DeclareLaunchArgument'):
        choices = [k.value for k in argument.keywords if k.arg == 'choices']
        if choices and all(isinstance(node, ast.Constant) for node in choices[0].elts):  # type: ignore[attr-defined]
            default = ast.literal_eval(keyword(argument, 'default_value'))
            assert default in ast.literal_eval(choices[0])


def test_every_program_that_is_started_is_installed(tree: ast.Module) -> None:
    setup = (ROOT / 'setup.py').read_text()
    for node in calls(tree, 'Node'):
        executable = ast.literal_eval(keyword(node, 'executable'))
        if executable != 'rosbridge_websocket':  # Of another package, which is optional.
            assert f"'{executable} = " in setup
