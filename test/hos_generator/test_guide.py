"""The guide says what the code does."""

from __future__ import annotations

import re

import pytest
from project import ROOT

from hos_device_layer.device_api_client import limits
from hos_generator.names import field_names, function_names

GUIDE = (ROOT / 'docs' / 'calling_devices.md').read_text()


@pytest.mark.parametrize('block', re.findall(r'```python\n(.*?)```', GUIDE, re.DOTALL))
def test_its_examples_are_python_and_what_they_import_exists(block: str) -> None:
    compile(block, 'guide', 'exec')
    imports = [line for line in block.splitlines() if re.match(r'from|import', line)]
    exec('\n'.join(imports), {})


@pytest.mark.parametrize(('name', 'mapped'), re.findall(r'`(\S+)`\s+is `(\S+)`', GUIDE))
def test_its_names_are_mapped_as_it_says(name: str, mapped: str) -> None:
    assert field_names([name])[name] == mapped


def test_it_has_an_example_of_each_rule_and_the_right_limit() -> None:
    assert len(re.findall(r'`(\S+)`\s+is `(\S+)`', GUIDE)) == 4
    assert function_names(['2d'])['2d'].startswith('call_')
    assert f'reached for {limits.MANAGER_TIMEOUT_S:g} s' in GUIDE
