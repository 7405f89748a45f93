from __future__ import annotations

import re
from pathlib import Path

import pytest
from project import ROOT

from hos_device_layer import qos
from hos_device_layer.ros_interface import SERVICES, TOPICS
from hos_generator.ros_interface_reference import render

DEFINITIONS = sorted([*ROOT.glob('hos_interfaces/msg/*'), *ROOT.glob('hos_interfaces/srv/*')])


@pytest.mark.parametrize('declared', [*TOPICS, *SERVICES], ids=lambda declared: declared.name)
def test_every_name_has_a_row(declared: tuple[str, ...]) -> None:
    (row,) = (line for line in render().splitlines() if line.startswith(f'| `{declared[0]}` |'))
    assert declared[-1] in row


@pytest.mark.parametrize('path', DEFINITIONS, ids=lambda path: path.name)
def test_every_field_of_an_interface_has_a_row_in_its_section(path: Path) -> None:
    section = render().partition(f'\n### {path.stem}\n')[2].partition('\n### ')[0]
    fields = re.findall(r'^([A-Za-z]\S*) (\w+)', path.read_text(), re.MULTILINE)
    assert fields
    for field_type, name in fields:
        assert f'| `{name}` | `{field_type}` |' in section


def test_the_links_to_messages_lead_to_their_sections() -> None:
    text = render()
    titles = {title.lower() for title in re.findall(r'^### (\w+)$', text, re.MULTILINE)}
    assert set(re.findall(r'\]\(#(\w+)\)', text)) <= titles


def test_profiles_are_shown_with_their_values() -> None:
    assert f'| `RESULT_QOS` | reliable | volatile | {qos.DEPTH} |' in render()
    assert f'else volatile | {qos.STREAM_DEPTH} |' in render()
