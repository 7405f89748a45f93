"""What colcon, rosdep and pip read about this package."""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import yaml
from project import ROOT

from hos_device_layer.dependencies import EXTRAS, ROS_MODULES
from hos_device_layer.parameters import PARAMETERS

# The rosdep keys of what pip calls by another name; rosdep has none for the last two.
ROSDEP_KEYS = {'pyserial': 'python3-serial', 'pyyaml': 'python3-yaml'}
WITHOUT_ROSDEP_KEY = {'msgspec', 'pyairtable'}

# The packages of pip whose modules have other names.
MODULES = {'pyserial': 'serial', 'pyyaml': 'yaml'}

OUR_PACKAGES = ('hos_client', 'hos_device_layer', 'hos_generator')

LAUNCH_FILES = sorted((ROOT / 'launch').glob('*.py'))
PACKAGE = ET.parse(ROOT / 'package.xml')
SETUP = (ROOT / 'setup.py').read_text()


@pytest.fixture(scope='module')
def setup_arguments() -> dict[str, Any]:
    """What setup.py tells setuptools."""
    script = (
        'import json, runpy, setuptools\n'
        'setuptools.setup = lambda **given: print(json.dumps(given))\n'
        "runpy.run_path('setup.py')"
    )
    command = [sys.executable, '-c', script]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    arguments: dict[str, Any] = json.loads(told)
    return arguments


def name_of(requirement: str) -> str:
    return re.split('[<>=]', requirement)[0]


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


def install_with_colcon(prefix: Path, ament_prefix_path: str) -> subprocess.CompletedProcess[str]:
    """Install as colcon does, which adds a folder of commands to PYTHONPATH."""
    environ = {
        **os.environ,
        'AMENT_PREFIX_PATH': ament_prefix_path,
        'PYTHONPATH': os.pathsep.join(['/colcon_core/colcon_distutils_commands', *sys.path]),
    }
    build = ['egg_info', '--egg-base', prefix, 'build', '--build-base', prefix / 'build']
    install = ['install', '--prefix', prefix / 'i', '--single-version-externally-managed']
    return subprocess.run(
        [sys.executable, 'setup.py', *build, *install, '--record', prefix / 'installed.txt'],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )


def test_colcon_does_not_build_it_without_its_interfaces(tmp_path: Path) -> None:
    ended = install_with_colcon(tmp_path, '')
    assert ended.returncode != 0
    assert 'hos_interfaces was not found' in ended.stderr
    assert f'\n  ln -s {ROOT.name}/hos_interfaces src/\n' in ended.stderr
    assert 'Traceback' not in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_colcon_builds_it_beside_its_interfaces(tmp_path: Path) -> None:
    ended = install_with_colcon(tmp_path, os.environ['AMENT_PREFIX_PATH'])
    assert ended.returncode == 0, ended.stderr
    assert list(tmp_path.glob('i/lib/python*/site-packages/hos_device_layer/__init__.py'))


@pytest.mark.parametrize('name', ['installer', 'ros', 'runtime', 'dev'])
def test_every_requirement_is_pinned(name: str) -> None:
    lines = (ROOT / 'requirements' / f'{name}.txt').read_text().splitlines()
    requirements = [line for line in lines if not line.startswith('#')]
    assert requirements
    assert [line for line in requirements if not re.match(r'[\w.-]+==[\w.]+( ; |$)', line)] == []


def test_pip_installs_what_the_project_is_developed_with(setup_arguments: dict[str, Any]) -> None:
    extras = setup_arguments['extras_require']
    lines = (ROOT / 'requirements' / 'runtime.in').read_text().splitlines()
    developed_with = {line for line in lines if not line.startswith('#')}
    assert developed_with == {*setup_arguments['install_requires'], *extras['all']}
    assert set(extras['all']) == {
        requirement for extra, names in extras.items() if extra != 'all' for requirement in names
    }


def test_rosdep_installs_what_pip_does(setup_arguments: dict[str, Any]) -> None:
    wanted = {*setup_arguments['install_requires'], *setup_arguments['extras_require']['all']}
    names = {name_of(requirement) for requirement in wanted} - WITHOUT_ROSDEP_KEY
    keys = {ROSDEP_KEYS.get(name, f'python3-{name}') for name in names}
    depends = {element.text for element in PACKAGE.findall('exec_depend')}
    assert {key for key in depends if key and key.startswith('python3-')} == keys
    comment = (ROOT / 'package.xml').read_text().partition('<!--')[2].partition('-->')[0]
    assert all(name in comment for name in WITHOUT_ROSDEP_KEY)


def test_a_command_names_the_extra_that_installs_a_module(setup_arguments: dict[str, Any]) -> None:
    extras = setup_arguments['extras_require']
    offered: dict[str, set[str]] = {}
    for extra, requirements in extras.items():
        for requirement in requirements:
            name = name_of(requirement)
            offered.setdefault(MODULES.get(name, name), set()).add(extra)
    assert set(EXTRAS) == set(offered)
    assert {module for module, extra in EXTRAS.items() if extra not in offered[module]} == set()


def imported_modules(path: Path) -> set[str]:
    modules = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            modules.add(node.module)
    return {module.partition('.')[0] for module in modules}


def test_every_import_is_declared() -> None:
    files = [path for package in OUR_PACKAGES for path in (ROOT / package).rglob('*.py')]
    imported = set().union(*map(imported_modules, files))
    others = imported - set(sys.stdlib_module_names) - set(OUR_PACKAGES)
    assert others - ROS_MODULES - set(EXTRAS) == {'msgspec', 'websockets'}
    depends = {element.text for element in PACKAGE.findall('exec_depend')}
    assert others & ROS_MODULES <= depends


def test_the_launcher_needs_the_standard_library_only() -> None:
    for path in (ROOT / 'hos', *(ROOT / 'launcher').glob('*.py')):
        assert imported_modules(path) <= {*sys.stdlib_module_names, 'launcher'}, path


def test_only_our_packages_are_installed(setup_arguments: dict[str, Any]) -> None:
    top_level = {package.partition('.')[0] for package in setup_arguments['packages']}
    assert top_level == set(OUR_PACKAGES)


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
