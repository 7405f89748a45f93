from __future__ import annotations

import sys
from pathlib import Path

from project import ROOT

from hos_generator.launch_reference import LaunchArgument, read_launch_file, render

LAUNCH_FILE = '''\
"""Start something."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch_ros.actions import Node

ARGUMENTS = [
    DeclareLaunchArgument('first', default_value='1', description='The first.'),
    DeclareLaunchArgument('second', default_value='', description='b', choices=['', 'x']),
]


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=Node)])
'''


def test_the_arguments_of_a_launch_file(tmp_path: Path) -> None:
    path = tmp_path / 'some.launch.py'
    path.write_text(LAUNCH_FILE)
    before = set(sys.modules)
    file = read_launch_file(path)
    assert file.name == 'some.launch.py' and file.description == 'Start something.'
    assert file.arguments == (
        LaunchArgument('first', '1', 'The first.'),
        LaunchArgument('second', '', 'b', ['', 'x']),
    )
    assert not any(name.startswith('launch') for name in set(sys.modules) - before)


def test_every_launch_file_has_a_section_with_all_its_arguments() -> None:
    sections = {part.partition('`')[0]: part for part in render().split('\n## `')[1:]}
    paths = list((ROOT / 'launch').glob('*.launch.py'))
    assert sections.keys() == {path.name for path in paths}
    for path in paths:
        for argument in read_launch_file(path).arguments:
            assert f'\n| `{argument.name}` | ' in sections[path.name]
            assert argument.description in sections[path.name]


def test_a_default_inside_the_package_is_shown_relative_to_it() -> None:
    assert '| `params_file` | `config/hos_run.yaml` |' in render()
