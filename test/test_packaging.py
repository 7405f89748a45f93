"""What colcon, rosdep and pip read about this package."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml
from project import ROOT

from hos_device_layer.parameters import PARAMETERS

LAUNCH_FILES = sorted((ROOT / 'launch').glob('*.py'))
SETUP = (ROOT / 'setup.py').read_text()


def version_of(package_xml: Path) -> str:
    version = ET.parse(package_xml).findtext('version')
    assert version
    return version


def test_versions_are_equal_everywhere() -> None:
    version = version_of(ROOT / 'package.xml')
    assert version_of(ROOT / 'hos_interfaces' / 'package.xml') == version
    assert f"version='{version}'" in SETUP
    newest = re.search(r'^(\d+\.\d+\.\d+) \(', (ROOT / 'CHANGELOG.rst').read_text(), re.MULTILINE)
    assert newest
    assert newest[1] == version


def test_colcon_takes_both_packages_for_what_they_are() -> None:
    colcon = [sys.executable, '-m', 'colcon', 'list', '--base-paths', '.', 'hos_interfaces']
    listed = subprocess.run(colcon, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert [line.split() for line in listed.splitlines()] == [
        ['hos_device_layer', '.', '(ros.ament_python)'],
        ['hos_interfaces', 'hos_interfaces', '(ros.ament_cmake)'],
    ]


@pytest.mark.parametrize('name', ['installer', 'ros', 'runtime', 'dev'])
def test_every_requirement_is_pinned(name: str) -> None:
    lines = (ROOT / 'requirements' / f'{name}.txt').read_text().splitlines()
    requirements = [line for line in lines if not line.startswith('#')]
    assert requirements
    assert [line for line in requirements if not re.match(r'[\w.-]+==[\w.]+( ; |$)', line)] == []


@pytest.mark.parametrize('entry', re.findall(r"'(\w+ = [\w.]+:\w+)'", SETUP))
def test_entry_points_exist(entry: str) -> None:
    module, _, function = entry.partition(' = ')[2].partition(':')
    assert callable(getattr(importlib.import_module(module), function))


def test_the_parameter_file_sets_parameters_that_exist() -> None:
    parameters = yaml.safe_load((ROOT / 'config' / 'hos_run.yaml').read_text())
    given = parameters['/**']['ros__parameters']
    known = {parameter.name: parameter.default for parameter in PARAMETERS}
    assert {name: type(value) for name, value in given.items()} == {
        name: type(known[name]) for name in given
    }


@pytest.mark.parametrize('path', LAUNCH_FILES, ids=lambda path: path.name)
def test_every_launch_argument_has_a_name_a_default_and_a_description(path: Path) -> None:
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    arguments = [call for call in calls if ast.unparse(call.func) == 'DeclareLaunchArgument']
    assert arguments
    for argument in arguments:
        given = {keyword.arg: ast.unparse(keyword.value) for keyword in argument.keywords}
        assert isinstance(argument.args[0], ast.Constant)
        assert 'default_value' in given, argument.args[0].value
        assert given['description'].strip('\'"'), argument.args[0].value
