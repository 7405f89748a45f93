"""How messages name the command line, in a checkout and in an installation."""

from __future__ import annotations

import ast
import importlib.util
import shutil
from pathlib import Path

from project import ROOT

from hos_device_layer import source_tree

# The only modules of an installation that may name the program of a checkout.
MAY_NAME_IT = {'hos_device_layer/source_tree.py', 'hos_device_layer/dependencies.py'}


def test_a_checkout_has_a_program_of_its_own() -> None:
    assert source_tree.is_source_tree()
    assert source_tree.HOS == './hos'


def test_an_installation_has_hos_on_the_path(tmp_path: Path) -> None:
    package = tmp_path / 'site-packages' / 'hos_device_layer'
    package.mkdir(parents=True)
    copy = shutil.copy(source_tree.__file__, package)
    spec = importlib.util.spec_from_file_location('installed_source_tree', copy)
    assert spec is not None and spec.loader is not None
    installed = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(installed)
    assert not installed.is_source_tree()
    assert installed.HOS == 'hos'


def test_no_other_message_advises_the_program_of_a_checkout() -> None:
    files = [
        file
        for name in ('hos_device_layer', 'hos_client')
        for file in ROOT.joinpath(name).rglob('*.py')
    ]
    advising = {str(file.relative_to(ROOT)) for file in files if './hos' in texts(file)}
    assert advising == MAY_NAME_IT


def texts(file: Path) -> str:
    """Return the texts of a module, without docstrings."""
    tree = ast.parse(file.read_text())
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return '\n'.join(
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docstrings
    )
