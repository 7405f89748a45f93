"""`~` in a path that a user writes is the home folder, wherever paths are written."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from project import ROOT

from hos_client.settings import load_settings
from hos_device_layer.core.errors import HosError
from hos_device_layer.parameters import PARAMETERS
from hos_device_layer.paths import PathError, user_path
from hos_device_layer.task_ids import state_folder
from hos_device_layer.testing import simulated_fleet
from hos_generator.__main__ import main as generate

COMMAND_LINES = ('hos_client', 'hos_device_layer', 'hos_generator', 'benchmark')


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv('HOME', str(tmp_path / 'home'))
    monkeypatch.chdir(tmp_path)
    return tmp_path / 'home'


def test_the_home_folder(home: Path) -> None:
    assert user_path('~/a b') == home / 'a b'
    assert user_path('~') == home
    assert user_path('a/~') == Path('a/~')


def test_a_home_folder_that_is_not_known_is_named() -> None:
    with pytest.raises(PathError, match='~nobody_here/x: the home folder is not known') as caught:
        user_path('~nobody_here/x')
    assert isinstance(caught.value, HosError)


def test_every_parameter_with_a_path_is_declared_as_one() -> None:
    for parameter in (*PARAMETERS, *simulated_fleet.PARAMETERS):
        is_path = parameter.name.endswith(('_path', '_file', '_folder'))
        assert parameter.is_path == is_path, parameter.name


def test_every_path_of_a_command_line_is_a_path_of_the_user() -> None:
    types = {
        ast.unparse(keyword.value)
        for package in COMMAND_LINES
        for path in (ROOT / package).rglob('*.py')
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith('add_argument')
        for keyword in node.keywords
        if keyword.arg == 'type'
    }
    assert 'user_path' in types
    assert {name for name in types if 'Path' in name} == set()


def test_the_generator_writes_to_the_home_folder(home: Path, tmp_path: Path) -> None:
    assert generate(['--output', '~/api.py']) == 0
    assert (home / 'api.py').is_file()
    assert not (tmp_path / '~').exists()


def test_the_paths_of_a_client(home: Path, tmp_path: Path) -> None:
    home.mkdir()
    environment = {'HOS_CLIENT_LOG_FILE': '~/log', 'HOS_CLIENT_CA_FILE': '~/ca.pem'}
    settings = load_settings('~/client.conf', environment)
    assert (settings.log_file, settings.ca_file) == (f'{home}/log', f'{home}/ca.pem')
    assert (home / 'client.conf').is_file()
    assert load_settings('~/client.conf', {}).log_file == ''


def test_ros_home_may_be_in_the_home_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('ROS_HOME', '~/ros')
    assert state_folder() == home / 'ros' / 'hos_device_layer'
