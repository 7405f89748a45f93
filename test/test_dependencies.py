"""What the commands say in an environment that lacks what they need."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hos_device_layer.dependencies import EXTRAS, ROS_MODULES, missing_dependency

# Runs main of a module with arguments, where some modules cannot be imported.
RUN_WITHOUT = """
import importlib, sys
missing, module, arguments = sys.argv[1].split(','), sys.argv[2], sys.argv[3:]
sys.modules.update(dict.fromkeys(missing))
module, function = module.split(':')
sys.argv[1:] = arguments
sys.exit(getattr(importlib.import_module(module), function)())
"""
HOS = 'hos_device_layer.command_line.__main__:main'


def run_without(missing: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, '-c', RUN_WITHOUT, missing, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize('command', ['up', 'devices', 'call', 'watch'])
def test_a_command_that_needs_ros_says_so_in_a_sentence(command: str) -> None:
    ended = run_without('rclpy,hos_interfaces', HOS, command, '--help')
    assert ended.returncode == 2
    assert ended.stderr.startswith(f'hos {command} needs ROS 2: ')
    assert 'Source a ROS 2 workspace' in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ('missing', 'command', 'extra'),
    [
        ('rich', 'check', 'commands'),
        ('jinja2', 'generate', 'generator'),
        ('serial', 'host', 'host'),
    ],
)
def test_a_command_names_the_extra_that_it_needs(missing: str, command: str, extra: str) -> None:
    ended = run_without(missing, HOS, command)
    assert ended.returncode == 2
    assert f"hos {command} needs the Python module '{missing}'" in ended.stderr
    assert f"pip install 'hos_device_layer[{extra}]'" in ended.stderr
    assert 'Traceback' not in ended.stderr


def test_the_help_lists_the_commands_that_cannot_run_too() -> None:
    ended = run_without('rclpy,hos_interfaces,rich', HOS)
    assert ended.returncode == 0, ended.stderr
    assert 'not available here' in ended.stdout
    assert 'run the linters' in ended.stdout


@pytest.mark.parametrize(
    ('program', 'missing'),
    [
        ('device_manager', 'rclpy'),
        ('simulated_fleet', 'rclpy'),
        ('hos_generator', 'jinja2'),
        ('hos_host', 'serial'),
    ],
)
def test_a_program_that_lacks_something_says_so(program: str, missing: str) -> None:
    ended = run_without(missing, f'hos_device_layer.programs:{program}')
    assert ended.returncode == 2
    assert ended.stderr.startswith(f'{program} needs ')
    assert 'Traceback' not in ended.stderr


def test_the_client_imports_neither_ros_nor_what_an_extra_installs() -> None:
    missing = ','.join([*ROS_MODULES, *EXTRAS])
    ended = run_without(missing, 'hos_client.__main__:main', '--help')
    assert ended.returncode == 0, ended.stderr
    assert 'usage: python -m hos_client' in ended.stdout


def test_a_module_that_is_no_dependency_is_an_error_of_ours() -> None:
    error = ModuleNotFoundError("No module named 'hos_client.nothing'", name='hos_client.nothing')
    with pytest.raises(ModuleNotFoundError):
        missing_dependency('hos', error)
