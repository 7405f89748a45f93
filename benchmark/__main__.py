"""
Measures rates, latencies and memory, and prints them with their limits.

Exit code: 0 if all values are within their limits, otherwise 1.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping

import msgspec
from rich.console import Console
from rich.table import Table

from hos_device_layer.paths import user_path
from hos_device_layer.testing.ros_domain import private_ros_domain

from . import calls, gateway, host, spec_reading, spec_reload, stopping
from .measurement import Measurement

SUITES: Mapping[str, Callable[[bool], Iterator[Measurement]]] = {
    'calls': calls.measure,
    'gateway': gateway.measure,
    'host': host.measure,
    'spec_reading': spec_reading.measure,
    'spec_reload': spec_reload.measure,
    'stopping': stopping.measure,
}


def main() -> int:
    """Run the chosen suites; returns 1 if a value misses its limit."""
    parser = argparse.ArgumentParser(prog='hos bench', description=__doc__)
    parser.add_argument(
        'suites',
        nargs='*',
        choices=[*SUITES, []],
        metavar='SUITE',
        help=f'the suites to run: {", ".join(SUITES)}; default: all',
    )
    parser.add_argument(
        '--quick',
        action='store_true',
        help='run with few devices and for a short time, to check that the suites work',
    )
    parser.add_argument(
        '--json', type=user_path, metavar='FILE', help='also write the values to FILE'
    )
    arguments = parser.parse_args()
    console = Console()
    measurements = []
    with private_ros_domain():
        for suite in arguments.suites or SUITES:
            for measurement in SUITES[suite](arguments.quick):
                console.print(f'{measurement.name}: {measurement.value:.4g} {measurement.unit}')
                measurements.append(measurement)
    console.print(_table(measurements))
    if arguments.json:
        arguments.json.write_bytes(msgspec.json.format(msgspec.json.encode(measurements)))
    return 0 if all(measurement.is_within_limit for measurement in measurements) else 1


def _table(measurements: list[Measurement]) -> Table:
    table = Table('measurement', 'value', 'unit', 'limit', 'within limit')
    for m in measurements:
        verdict = ('yes' if m.is_within_limit else '[red]no') if m.limit else ''
        table.add_row(m.name, f'{m.value:.4g}', m.unit, m.limit, verdict)
    return table


if __name__ == '__main__':
    sys.exit(main())
