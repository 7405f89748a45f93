from __future__ import annotations

from hos_device_layer.parameters import PARAMETERS
from hos_device_layer.testing import simulated_fleet
from hos_generator.parameters_reference import render


def test_every_parameter_of_each_node_has_a_row() -> None:
    _, manager, fleet = render().split('\n## ')
    for section, parameters in ((manager, PARAMETERS), (fleet, simulated_fleet.PARAMETERS)):
        for parameter in parameters:
            (row,) = (
                line for line in section.splitlines() if line.startswith(f'| `{parameter.name}` |')
            )
            assert row.endswith(f'| {parameter.description} |')


def test_types_defaults_and_ranges() -> None:
    text = render()
    assert '| `device_timeout_s` | double | `20.0` | 0.1..86400 |' in text
    assert '| `gateway_port` | integer | `9091` | 0..65535 |' in text
    assert '| `gateway_enabled` | bool | `true` |  |' in text
    assert "| `state_folder` | string | `''` |  |" in text
